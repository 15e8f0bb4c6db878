"""Cluttered digits, drawn on the fly: a data set that is endless and needs no download.

The recipe is that of the cluttered MNIST of Mnih et al., "Recurrent Models of Visual Attention" (2014): a
digit somewhere on an empty canvas, and around it small pieces cut from other digits. The digits are MNIST's
own, or are written with the pen strokes of `_ALPHABET`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data.idx import read_mnist
from netspec.data.share import Share
from netspec.errors import DataError

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_TRAIN, _TEST, _SCRAPS = 0, 1, 2  # the second of the three numbers that seed a random stream
_SCRAP_DIGITS = 512  # digits from which clutter is cut


@dataclass(frozen=True)
class _Written:
    """Digits that are ready to be painted anywhere.

    ``labels`` (M,) holds the classes, ``reach`` (M, 2) how far the ink extends from the centre along x and y,
    in pixels. ``paint(centres, height, width)`` gives the images (M, height, width).
    """

    labels: Ints
    reach: Floats
    paint: Callable[[Floats, int, int], Bytes]


class _Hand(Protocol):
    def write(self, rng: np.random.Generator, shape: Floats) -> _Written:
        """One random digit per matrix of ``shape`` (M, 2, 2), which takes the box [-0.5, 0.5]^2 to pixels."""
        ...


class ClutteredDigits:
    """A stream of images with digits in random places and clutter around them.

    Args:
        source: "strokes", or the folder of the four MNIST files.
        train: whether to draw from the training half; the random streams of the halves are disjoint.
        digits: digits per image, from left to right.
        clutter, clutter_size: the number of pieces of other digits, and the side of a piece in pixels.
        digit_size: the side, in pixels, of the box that a digit of scale 1 fills.
        translation: the largest shift from the centre in pixels; negative: as far as the digit stays inside.
        rotation: the largest angle to either side, in degrees.
        min_scale, max_scale: the range of scales, drawn uniformly.
        seed: the streams of different seeds are independent.
        share: which of the batches this process draws.

    Raises:
        DataError: the geometry is impossible, or an MNIST file is missing or broken.
    """

    def __init__(
        self,
        *,
        source: str | Path = "strokes",
        train: bool = True,
        batch_size: int = 64,
        height: int = 40,
        width: int = 40,
        digits: int = 1,
        clutter: int = 8,
        clutter_size: int = 6,
        digit_size: int = 24,
        translation: float = -1,
        rotation: float = 0,
        min_scale: float = 1,
        max_scale: float = 1,
        seed: int = 0,
        share: Share | None = None,
    ) -> None:
        _demand(batch_size > 0, f"expected batch_size > 0, found {batch_size}")
        _demand(digits > 0, f"expected digits > 0, found {digits}")
        _demand(digit_size > 0, f"expected digit_size > 0, found {digit_size}")
        _demand(
            0 < min_scale <= max_scale,
            f"expected 0 < min_scale <= max_scale, found {min_scale:g} and {max_scale:g}",
        )
        _demand(
            digit_size * max_scale <= min(height, width),
            f"a digit of {digit_size * max_scale:g} pixels (digit_size times max_scale) does not fit into "
            f"an image of {height} x {width} (height x width)",
        )
        _demand(
            translation <= min(height, width) / 2,
            f"a translation of {translation:g} pixels moves a digit out of an image of {height} x {width}",
        )
        _demand(
            not clutter or 0 < clutter_size <= digit_size,
            f"clutter is cut from digits: expected 0 < clutter_size <= {digit_size} (digit_size), "
            f"found {clutter_size}",
        )
        self._batch_size, self._height, self._width, self._digits = batch_size, height, width, digits
        self._clutter, self._clutter_size = clutter, clutter_size
        self._digit_size, self._translation, self._rotation = digit_size, translation, np.deg2rad(rotation)
        self._scales = (min_scale, max_scale)
        self._seed = seed % 2**64  # numpy takes no negative seeds
        self._share = share or Share()
        self._stream = _TRAIN if train else _TEST
        self._hand: _Hand = (
            _Strokes() if source == "strokes" else _Scans(*read_mnist(Path(source), train=train))
        )
        self._scraps = self._draw_scraps()

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the images, (N, 1, H, W), and of the labels, (N,), or (N, digits) for several."""
        n = self._batch_size
        return (n, 1, self._height, self._width), (n,) if self._digits == 1 else (n, self._digits)

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Batch number ``index``: images in [0, 1] and class numbers 0 to 9, both float32, as in Caffe.

        A pure function of the settings and the index: any worker may draw any batch, in any order.
        """
        rng = np.random.default_rng((self._seed, self._stream, self._share.batch(index)))
        written = self._hand.write(rng, self._shapes_of_digits(rng, self._batch_size * self._digits))
        layers = written.paint(self._places(rng, written.reach), self._height, self._width)
        images: Bytes = layers.reshape(self._batch_size, self._digits, self._height, self._width).max(axis=1)
        self._paste_clutter(rng, images)
        image_shape, label_shape = self.shapes
        data = torch.from_numpy(images).to(torch.float32).div_(255).view(image_shape)
        return data, torch.from_numpy(written.labels).to(torch.float32).view(label_shape)

    def _shapes_of_digits(self, rng: np.random.Generator, count: int) -> Floats:
        """Scale and rotation as matrices (count, 2, 2) from the unit box to pixels."""
        side = self._digit_size * rng.uniform(*self._scales, count)
        angle = rng.uniform(-self._rotation, self._rotation, count)
        cos, sin = side * np.cos(angle), side * np.sin(angle)
        return np.stack([cos, -sin, sin, cos], axis=-1).reshape(count, 2, 2)

    def _places(self, rng: np.random.Generator, reach: Floats) -> Floats:
        """Centres (N * digits, 2) as x and y: from left to right, without overlap where the digits fit."""
        n, digits = self._batch_size, self._digits
        half_x, half_y = reach[:, 0].reshape(n, digits), reach[:, 1].reshape(n, digits)
        slack_x, slack_y = self._width - 2 * half_x.sum(axis=1, keepdims=True), self._height - 2 * half_y
        if self._translation < 0:
            share = rng.dirichlet(np.ones(digits + 1), n)[:, :digits]
            shift_x = np.zeros((n, 1))
            shift_y = slack_y.clip(min=0) * rng.uniform(-0.5, 0.5, (n, digits))
        else:
            share = np.full((n, digits), 1 / (digits + 1))
            shift_x = rng.uniform(-self._translation, self._translation, (n, 1))
            shift_y = rng.uniform(-self._translation, self._translation, (n, digits))
        # Where the digits do not fit, the gaps between them are negative and equal.
        gaps = np.where(slack_x < 0, 1 / (digits + 1), share) * slack_x
        x = np.cumsum(gaps + 2 * half_x, axis=1) - half_x + shift_x
        return np.stack([x, self._height / 2 + shift_y], axis=-1).reshape(n * digits, 2)

    def _draw_scraps(self) -> Bytes:
        """Digits (_SCRAP_DIGITS, digit_size, digit_size) as material for clutter."""
        if not self._clutter:
            return np.empty((0, 0, 0), np.uint8)
        rng = np.random.default_rng((self._seed, _SCRAPS, self._stream))
        size = self._digit_size
        written = self._hand.write(rng, np.tile(size * np.eye(2), (_SCRAP_DIGITS, 1, 1)))
        return written.paint(np.full((_SCRAP_DIGITS, 2), size / 2), size, size)

    def _paste_clutter(self, rng: np.random.Generator, images: Bytes) -> None:
        if not self._clutter:
            return
        count, size = (self._batch_size, self._clutter), self._clutter_size
        scrap = rng.integers(len(self._scraps), size=count)
        top, left = rng.integers(self._digit_size - size + 1, size=(2, *count))
        y, x = (
            rng.integers(self._height - size + 1, size=count),
            rng.integers(self._width - size + 1, size=count),
        )
        cut = _windows(self._scraps.shape, size, scrap, top, left)
        paste = _windows(images.shape, size, np.arange(self._batch_size)[:, None], y, x)
        np.maximum.at(images.reshape(-1), paste, self._scraps.reshape(-1)[cut])


def _windows(shape: tuple[int, ...], size: int, image: Ints, top: Ints, left: Ints) -> Ints:
    """Flat positions of the pixels of square windows, window by window, in an array of shape (M, H, W)."""
    corners = (image * shape[1] + top) * shape[2] + left
    steps = np.arange(size)
    positions: Ints = np.add.outer(corners, np.add.outer(steps * shape[2], steps))
    return positions.reshape(-1)


def _demand(condition: bool, message: str) -> None:
    if not condition:
        raise DataError.at(message, help="change the fields of cluttered_digits_param that the message names")


class _Scans:
    """Writes by copying scanned digits, MNIST's."""

    def __init__(self, images: Bytes, labels: Bytes) -> None:
        self._images, self._labels = images, labels

    def write(self, rng: np.random.Generator, shape: Floats) -> _Written:
        chosen = rng.integers(len(self._images), size=len(shape))
        scans = self._images[chosen]
        middle, sides = _ink_box(scans)
        shape = shape / sides.max(axis=1)[:, None, None]  # the longer side of the ink fills the box
        reach = np.abs(shape) @ sides[:, :, None] / 2

        def paint(centres: Floats, height: int, width: int) -> Bytes:
            canvas = np.zeros((len(scans), height, width), np.uint8)
            # Pixel i covers [i, i + 1], but warpAffine counts from its middle.
            shift = centres - 0.5 - (shape @ (middle - 0.5)[:, :, None])[:, :, 0]
            affine = np.concatenate([shape, shift[:, :, None]], axis=2)
            for scan, matrix, out in zip(scans, affine, canvas, strict=True):
                cv2.warpAffine(scan, matrix, (width, height), dst=out, flags=cv2.INTER_LINEAR)
            return canvas

        return _Written(self._labels[chosen].astype(np.int64), reach[:, :, 0], paint)


def _ink_box(images: Bytes) -> tuple[Floats, Floats]:
    """Middle and sides, both (N, 2) as x and y in pixels, of the box around the ink of each image."""
    middles, sides = [], []
    for axis in (1, 2):  # over the rows: what is inked along x
        inked = images.max(axis=axis) > 0
        first, last = inked.argmax(axis=1), inked.shape[1] - inked[:, ::-1].argmax(axis=1)
        middles.append((first + last) / 2)
        sides.append(np.maximum(last - first, 1.0))
    return np.stack(middles, axis=1), np.stack(sides, axis=1)


# How the ten digits are written. A digit has some variants, a variant some strokes (parted by a slash), and a
# stroke is a smooth line through its points (x to the right, y down, in percent); a point given twice is a
# corner, a stroke that ends where it began is closed.
_ALPHABET = {
    0: (
        "50,0 33,6 20,25 15,50 20,75 33,94 50,100 67,94 80,75 85,50 80,25 67,6 50,0",
        "62,3 36,8 19,45 28,90 54,100 78,76 82,35 66,5 42,6",
    ),
    1: (
        "50,0 50,100",
        "25,27 52,0 52,0 52,100",
        "28,22 50,0 50,0 50,100 / 24,100 78,100",
    ),
    2: (
        "17,25 28,5 55,0 78,14 76,38 50,68 14,100 14,100 86,100",
        "18,20 42,1 70,8 74,34 52,66 26,94 14,92 24,80 48,88 66,98 88,92",
    ),
    3: (
        "18,13 44,0 74,11 72,36 40,47 40,47 74,57 84,79 58,99 32,98 14,86",
        "18,2 80,2 80,2 44,40 44,40 72,48 83,72 60,98 32,98 14,88",
    ),
    4: (
        "28,0 14,56 14,56 88,56 / 70,14 63,100",
        "62,0 10,68 10,68 90,68 / 62,0 62,100",
        "22,4 20,40 34,52 58,46 76,34 / 80,2 74,50 70,100",
    ),
    5: (
        "80,0 26,0 26,0 21,43 21,43 48,36 78,50 80,78 56,98 32,99 13,89",
        "28,4 23,46 23,46 52,40 79,58 74,88 46,100 14,95 / 28,4 84,1",
    ),
    6: (
        "72,1 42,20 21,58 24,88 48,100 74,90 80,68 64,52 40,56 22,74",
        "54,0 28,40 20,74 34,97 62,98 78,80 72,62 52,56 32,66 24,86",
    ),
    7: (
        "14,1 86,1 86,1 40,100",
        "14,1 84,1 84,1 44,100 / 32,52 78,48",
        "14,16 16,2 16,2 84,2 84,2 58,40 46,100",
    ),
    8: (
        "76,14 52,0 28,14 34,36 66,58 80,80 52,100 22,82 36,58 70,34 76,14",
        "50,0 28,22 50,46 73,22 50,0 / 50,46 20,72 50,100 80,72 50,46",
    ),
    9: (
        "78,22 60,2 32,6 20,28 34,48 60,44 78,22 78,22 72,100",
        "76,26 54,1 26,14 24,42 50,51 72,34 77,14 78,50 62,90 34,100 18,92",
    ),
}
_POINTS = 40  # points on the line of a digit, all strokes together
_SLANT, _STRETCH = 0.3, 0.25  # largest shear, and stretch of the width (logarithmic)
_WARP, _WAVES = 0.09, 0.8  # largest amplitude and frequency, in boxes, of the wave that bends the strokes
_PEN = (0.09, 0.15)  # thickness of the line in boxes
_BITS = 4  # sub-pixel positions for OpenCV
_LINE_MASS = 1.25  # OpenCV's antialiased line of thickness 1 has this cross section in pixels


class _Strokes:
    """Writes by hand: the strokes of the alphabet, slanted, stretched and bent at random."""

    def __init__(self) -> None:
        drawn = [_trace(variant) for variants in _ALPHABET.values() for variant in variants]
        self._lines = np.stack([points.T for points, _ in drawn])  # (variants, 2, _POINTS)
        self._ends = [ends for _, ends in drawn]
        counts = [len(_ALPHABET[digit]) for digit in range(10)]
        self._first, self._counts = np.cumsum([0, *counts[:-1]]), np.array(counts)

    def write(self, rng: np.random.Generator, shape: Floats) -> _Written:
        count = len(shape)
        labels = rng.integers(10, size=count)
        variant = self._first[labels] + rng.integers(self._counts[labels])
        box = np.sqrt(np.linalg.det(shape))
        pen = box * rng.uniform(*_PEN, count)
        lines = shape @ _fit(_bend(rng, self._lines[variant])) * (1 - pen / box)[:, None, None]
        low, high = lines.min(axis=2), lines.max(axis=2)
        lines -= (low + high)[:, :, None] / 2

        def paint(centres: Floats, height: int, width: int) -> Bytes:
            canvas = np.empty((count, height, width), np.uint8)
            fixed = np.round((lines + centres[:, :, None] - 0.5) * 2**_BITS).astype(np.int32)
            fixed = np.ascontiguousarray(fixed.transpose(0, 2, 1))
            for out, line, chosen, thickness in zip(canvas, fixed, variant, pen, strict=True):
                strokes = [line[start:stop] for start, stop in self._ends[chosen]]
                thin = np.zeros((height, width), np.uint8)
                cv2.polylines(thin, strokes, False, 255, 1, cv2.LINE_AA, _BITS)
                nib = _nib(round(thickness * 16))
                cv2.sepFilter2D(thin, -1, nib, nib, dst=out, borderType=cv2.BORDER_CONSTANT)
            return canvas

        return _Written(labels, (high - low + pen[:, None]) / 2, paint)


def _bend(rng: np.random.Generator, lines: Floats) -> Floats:
    """Lines (M, 2, P) in the unit box, displaced along a smooth random wave, slanted and stretched."""
    count = len(lines)
    phase = rng.uniform(0, 2 * np.pi, (count, 2, 1))
    waves = 2 * np.pi * rng.uniform(-_WAVES, _WAVES, (count, 2, 2))
    lines = lines + rng.uniform(0, _WARP, (count, 2, 1)) * np.sin(waves @ lines + phase)
    slant = rng.uniform(-_SLANT, _SLANT, count)
    stretch = np.exp(rng.uniform(-_STRETCH, _STRETCH, count))
    jitter = np.stack([stretch, slant, np.zeros(count), np.ones(count)], axis=-1).reshape(count, 2, 2)
    return jitter @ lines


def _fit(lines: Floats) -> Floats:
    """Lines (M, 2, P) centred, the longer side of their box 1."""
    low, high = lines.min(axis=2, keepdims=True), lines.max(axis=2, keepdims=True)
    fitted: Floats = (lines - (low + high) / 2) / (high - low).max(axis=1, keepdims=True)
    return fitted


@lru_cache(maxsize=1024)
def _nib(sixteenths: int) -> NDArray[np.float32]:
    """The kernel that turns a thin line into one of this thickness, in 1/16 pixels, with a soft edge.

    A Gaussian blur followed by a gain that puts half intensity at half the thickness; the excess saturates.
    """
    thickness = sixteenths / 16
    sigma = max(0.65, thickness / 4)
    x = np.arange(-ceil(thickness / 2), ceil(thickness / 2) + 1)
    peak = max(1.0, 0.5 * np.exp(thickness**2 / (8 * sigma**2)))  # of the line's profile across
    kernel = np.exp(-(x**2) / (2 * sigma**2))
    # Along the line the kernel must not gain, across it must reach the peak; being separable, it shares both.
    return np.asarray(kernel * np.sqrt(peak / _LINE_MASS / kernel.sum()), np.float32)


def _trace(variant: str) -> tuple[Floats, list[tuple[int, int]]]:
    """A variant as `_POINTS` points in the unit box, and where each stroke starts and stops among them."""
    curves = [_smooth(_points(stroke)) for stroke in variant.split("/")]
    lengths = np.array([np.linalg.norm(np.diff(curve, axis=0), axis=1).sum() for curve in curves])
    stops = np.round(np.cumsum(lengths) / lengths.sum() * _POINTS).astype(int)
    ends = list(zip([0, *stops[:-1].tolist()], stops.tolist(), strict=True))
    return np.concatenate([_resample(curve, b - a) for curve, (a, b) in zip(curves, ends, strict=True)]), ends


def _points(stroke: str) -> Floats:
    return np.array([point.split(",") for point in stroke.split()], np.float64) / 100


def _smooth(points: Floats, steps: int = 16) -> Floats:
    """A Catmull-Rom spline through the points; two equal neighbours make a corner."""
    closed = np.array_equal(points[0], points[-1])
    before, after = (points[-2], points[1]) if closed else (points[0], points[-1])
    p = np.concatenate([before[None], points, after[None]])
    a, b, c, d = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    curve = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])


def _resample(curve: Floats, count: int) -> Floats:
    """As many points, evenly spaced along the curve."""
    along = np.concatenate([[0.0], np.linalg.norm(np.diff(curve, axis=0), axis=1).cumsum()])
    at = np.linspace(0, along[-1], count)
    return np.stack([np.interp(at, along, curve[:, axis]) for axis in (0, 1)], axis=1)
