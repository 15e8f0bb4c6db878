"""Sequences of digits in clutter: three side by side along a slope, for nets that read one after the other.

Sonderby et al., "Recurrent spatial transformer networks", 2015, http://arxiv.org/abs/1509.05329.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.distorted_digits import SEQUENCE, Half, draw_pieces, read_half, stream
from netspec.data.parts import Example, Part
from netspec.errors import DataError

DIGITS = 3
CANVAS = 100
_PIECES, _PIECE = 8, 9
_HELD_BACK = 1 / 6  # of the training half, for validation: MNIST's last 10,000


def sequence_parts(source: Path, count: int, test_count: int, seed: int) -> list[Part]:
    """Training, validation and test sequences; no digit is in two of them.

    Raises:
        DataError: MNIST's files are missing or broken, or three of the digits do not fit on the canvas.
    """
    whole, test = (read_half(source, train=train) for train in (True, False))
    held = round(len(whole.images) * (1 - _HELD_BACK))
    train = replace(whole, images=whole.images[:held], labels=whole.labels[:held])
    held_back = replace(whole, name="validation", images=whole.images[held:], labels=whole.labels[held:])
    counts = (count, test_count, test_count)
    return [_part(half, n, seed) for half, n in zip((train, held_back, test), counts, strict=True)]


def _part(half: Half, count: int, seed: int) -> Part:
    side = half.images.shape[1]
    if not len(half.images) or not _PIECE <= side <= CANVAS // DIGITS:
        message = f"{len(half.images)} digits of {side} pixels make no sequences on {CANVAS} pixels"
        raise DataError.at(
            message, help=f"a digit has {_PIECE} to {CANVAS // DIGITS} pixels, as MNIST's have"
        )

    def make(number: int) -> Example:
        rng = stream(seed, SEQUENCE, half, number)
        chosen = rng.integers(len(half.images), size=DIGITS)
        return Example(_draw(rng, half, chosen), half.labels[chosen].astype(np.float32))

    recipe = {"half": half.name, "count": count, "digits": half.digest, "seed": seed}
    return Part(f"mnist_sequence_{half.name}", count, make, recipe)


def _draw(rng: np.random.Generator, half: Half, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Digits side by side from anywhere, each up to half its height above or below the one before."""
    side = half.images.shape[1]
    image = np.zeros((CANVAS, CANVAS), np.uint16)
    for piece in draw_pieces(rng, half.images, _PIECES, _PIECE):
        top, left = rng.integers(CANVAS - _PIECE + 1, size=2).tolist()
        image[top : top + _PIECE, left : left + _PIECE] = piece
    left = rng.integers(CANVAS - DIGITS * side + 1)
    first, slope = rng.integers(CANVAS), rng.integers(-(side // 2), side // 2)
    for place, digit in enumerate(half.images[chosen]):
        top = np.clip(first + place * slope, 0, CANVAS - side)
        image[top : top + side, left + place * side : left + (place + 1) * side] += digit
    return image.clip(max=255).astype(np.uint8)
