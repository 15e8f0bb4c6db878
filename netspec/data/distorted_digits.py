"""MNIST's digits distorted and cluttered, as the papers on spatial transformers have them.

Each image is a pure function of the digits, the recipe, the seed and its number. Image k of a set shows digit
k of its half of MNIST, over again where a set is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.data.idx import read_mnist
from netspec.data.parts import Example, Part
from netspec.data.thin_plate import Points, control_grid, spline_weights
from netspec.errors import DataError

Bytes = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Draw = Callable[[np.random.Generator, Bytes, Bytes], Bytes]  # of a digit, given all

SEQUENCE = "sequence"  # the name of a random stream, beside those of the sets
_CONTROL = 4  # control points of an elastic distortion along each axis


@dataclass(frozen=True, slots=True)
class Half:
    """Digits (N, H, W) with their classes; ``name`` is train, validation or test."""

    name: str
    images: Bytes
    labels: Labels
    digest: str


@dataclass(frozen=True, slots=True)
class Clutter:
    """An empty canvas with a digit and some square pieces of others anywhere on it; sizes in pixels."""

    canvas: int
    pieces: int
    size: int


TRANSLATED_CLUTTERED = Clutter(canvas=60, pieces=6, size=6)


def read_half(source: Path, *, train: bool) -> Half:
    """A half of MNIST, or of what comes in its format.

    Raises:
        DataError: a file is missing or broken, there are no images, or they are not square.
    """
    images, labels = read_mnist(source, train=train)
    name = "train" if train else "test"
    if not len(images) or images.shape[1] != images.shape[2]:
        message = f"expected square images for {name}, found {' x '.join(map(str, images.shape))}"
        raise DataError.at(message, file=str(source))
    digest = sha256(images.tobytes() + labels.tobytes()).hexdigest()[:16]
    return Half(name, images, labels, digest)


def distorted_part(half: Half, name: str, count: int, seed: int) -> Part:
    """A part of one of the distorted sets: r, rts, p, e or tc. Jaderberg et al., 2015, appendix A.4."""
    return _part(half, name, SETS[name], count, seed, {"set": name})


def cluttered_part(half: Half, clutter: Clutter, count: int, seed: int) -> Part:
    """Cluttered digits as Mnih et al., 2014, have them, and as DeepMind's own generator makes them.

    Raises:
        DataError: the canvas does not hold a digit, or a digit does not hold a piece.
    """
    side = half.images.shape[1]
    if not side <= clutter.canvas or not 0 < clutter.size <= side:
        message = (
            f"a canvas of {clutter.canvas} pixels with pieces of {clutter.size} does not go with digits of "
            f"{side} pixels"
        )
        raise DataError.at(message, help="the canvas is at least as large as a digit, a piece at most")
    return _part(half, "cluttered", partial(_cluttered, clutter), count, seed, asdict(clutter))


def stream(seed: int, name: str, half: Half, number: int) -> np.random.Generator:
    """The random numbers of one image of a set."""
    return np.random.default_rng((seed % 2**64, *f"{name} {half.name}".encode(), number))


def _part(half: Half, name: str, draw: Draw, count: int, seed: int, recipe: Mapping[str, object]) -> Part:
    def make(number: int) -> Example:
        chosen = number % len(half.images)
        rng = stream(seed, name, half, number)
        return Example(draw(rng, half.images[chosen], half.images), int(half.labels[chosen]))

    own = {"half": half.name, "count": count, "digits": half.digest, "seed": seed}
    return Part(f"mnist_{name}_{half.name}", count, make, {**own, **recipe})


# The distortions ------------------------------------------------------------------------------------------


def _rotated(rng: np.random.Generator, digit: Bytes, digits: Bytes) -> Bytes:
    """Turned about its middle by up to 90 degrees to either side."""
    middle = (len(digit) - 1) / 2
    return _placed(digit, len(digit), rng.uniform(-90, 90), 1, np.array([middle, middle]))


def _scattered(rng: np.random.Generator, digit: Bytes, digits: Bytes) -> Bytes:
    """Turned by up to 45 degrees, scaled by 0.7 to 1.2, anywhere on 1.5 times its width (42 pixels)."""
    side = len(digit) * 3 // 2
    angle, scale = rng.uniform(-45, 45), rng.uniform(0.7, 1.2)
    slack = (side - scale * len(digit)) / 2
    return _placed(digit, side, angle, scale, (side - 1) / 2 + rng.uniform(-slack, slack, 2))


def _placed(digit: Bytes, side: int, degrees: float, scale: float, centre: Points) -> Bytes:
    """A digit on a canvas: turned and scaled about its middle, which goes to ``centre``, x and y."""
    turn = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shift = centre - linear.sum(1) * (len(digit) - 1) / 2
    return np.asarray(cv2.warpAffine(digit, np.column_stack([linear, shift]), (side, side)), np.uint8)


def _projected(rng: np.random.Generator, digit: Bytes, digits: Bytes) -> Bytes:
    """Scaled by 0.75 to 1, then each corner moved by a normal deviate of 5 pixels; the sides never cross."""
    middle = (len(digit) - 1) / 2
    corners = len(digit) / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    scaled = corners * rng.uniform(0.75, 1)
    moved = next(quad for quad in _moved(rng, scaled, 5.0) if _is_convex(quad))
    before, after = ((places + middle).astype(np.float32) for places in (corners, moved))
    homography = cv2.getPerspectiveTransform(before, after)
    return np.asarray(cv2.warpPerspective(digit, homography, digit.shape), np.uint8)


def _moved(rng: np.random.Generator, points: Points, deviation: float) -> Iterator[Points]:
    while True:
        yield points + rng.normal(0, deviation, points.shape)


def _is_convex(quad: Points) -> bool:
    sides = np.roll(quad, -1, 0) - quad
    following = np.roll(sides, -1, 0)
    return bool((sides[:, 0] * following[:, 1] > sides[:, 1] * following[:, 0]).all())


def _bent(rng: np.random.Generator, digit: Bytes, digits: Bytes) -> Bytes:
    """Scaled by 0.75 to 1, and bent by a thin plate spline whose 16 control points, a regular grid on the
    image, are moved by normal deviates of 1.5 pixels."""
    half = len(digit) / 2
    scale = rng.uniform(0.75, 1)
    control = half * control_grid(_CONTROL)
    places = _weights(len(digit)) @ (control + rng.normal(0, 1.5, control.shape)) / scale + half - 0.5
    rows, columns = places.astype(np.float32).reshape(*digit.shape, 2).transpose(2, 0, 1)
    return np.asarray(cv2.remap(digit, columns, rows, cv2.INTER_LINEAR), np.uint8)


@lru_cache(maxsize=1)
def _weights(side: int) -> Points:
    """How much each control point counts at each pixel of an image."""
    steps = (np.arange(side) + 0.5) * 2 / side - 1
    pixels = np.stack([axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij")], 1)
    return spline_weights(pixels, _CONTROL)


def _cluttered(clutter: Clutter, rng: np.random.Generator, digit: Bytes, digits: Bytes) -> Bytes:
    image = np.zeros((clutter.canvas, clutter.canvas), np.uint16)
    for piece in draw_pieces(rng, digits, clutter.pieces, clutter.size):
        _add(rng, image, piece)
    _add(rng, image, digit)
    return image.clip(max=255).astype(np.uint8)


def draw_pieces(rng: np.random.Generator, digits: Bytes, count: int, size: int) -> Iterator[Bytes]:
    """Square pieces of digits, ``size`` pixels wide, cut anywhere."""
    for digit in rng.integers(len(digits), size=count).tolist():
        top, left = rng.integers(digits.shape[1] - size + 1, size=2).tolist()
        yield digits[digit, top : top + size, left : left + size]


def _add(rng: np.random.Generator, image: NDArray[np.uint16], piece: Bytes) -> None:
    """Adds a piece to an image where there is room for it."""
    height, width = piece.shape
    top, left = (rng.integers(room - own + 1) for room, own in zip(image.shape, piece.shape, strict=True))
    image[top : top + height, left : left + width] += piece


SETS: dict[str, Draw] = {
    "r": _rotated,
    "rts": _scattered,
    "p": _projected,
    "e": _bent,
    "tc": partial(_cluttered, TRANSLATED_CLUTTERED),
}
