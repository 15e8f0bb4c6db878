"""Windows cut out of images, in a fixed ratio of foreground to background: how R-CNN is trained.

Girshick et al., "Rich feature hierarchies for accurate object detection and semantic segmentation" (2014).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data.images import Bytes, ImageFiles, resized
from netspec.data.share import Share
from netspec.errors import DataError
from netspec.text.source import Source, Span

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Pair = tuple[int, int]

_WINDOWS = 4  # the second of the numbers that seed a random stream
_CHANNELS = 3
_LARGEST = 2**24  # up to here float32 holds each integer
_FORMAT = "for each image `# index`, its path, channels, height, width, the number of windows, and a line "
_FORMAT += "`class overlap x1 y1 x2 y2` for each window, with nothing between"


@dataclass(frozen=True)
class WindowList:
    """What a window file says.

    ``images`` are the images' names, and the numbers of the lines where they stand. The other arrays have a
    row per window: its image, its line, its class, how much of an object it covers (0 to 1), and x1, y1, x2,
    y2 in pixels, both ends included.
    """

    path: Path
    images: list[tuple[str, int]]
    image: NDArray[np.int32]
    line: NDArray[np.int32]
    label: NDArray[np.int32]
    overlap: Floats
    box: NDArray[np.int32]

    def span(self, line: int) -> Span:
        """The place of a line, counted from 0."""
        return _span(self.path, line)


def read_windows(path: Path) -> WindowList:
    """Reads a window file.

    Raises:
        DataError: the file cannot be read, is empty, or a line of it is not what it should be.
    """
    images: list[tuple[str, int]] = []
    starts: list[int] = []
    blocks: list[Floats] = []
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            lines = enumerate(file)
            while (header := _header(path, lines)) is not None:
                name, line, count = header
                images.append((name, line))
                starts.append(line + 5)  # behind the path: channels, height, width, number of windows
                blocks.append(_block(path, lines, line + 5, count))
    except OSError as error:
        raise DataError.at(f"cannot read the window file: {error.strerror}", file=str(path)) from error
    if not images:
        raise DataError.at("the window file is empty", file=str(path), help=f"expected {_FORMAT}")
    counts = [len(block) for block in blocks]
    table = np.concatenate(blocks)
    line_of = np.concatenate(
        [at + np.arange(n, dtype=np.int32) for at, n in zip(starts, counts, strict=True)]
    )
    image_of = np.repeat(np.arange(len(images), dtype=np.int32), counts)
    label, box = table[:, 0].astype(np.int32), table[:, 2:].astype(np.int32)
    return WindowList(path, images, image_of, line_of, label, table[:, 1], box)


def _header(path: Path, lines: Iterator[tuple[int, str]]) -> tuple[str, int, int] | None:
    """An image's name, its line, and the number of its windows; None at the end."""
    number, line = next(((number, line) for number, line in lines if line.strip()), (0, ""))
    if not line:
        return None
    if not line.startswith("#"):
        raise _malformed(path, number, "expected `# index`, with which an image begins")
    texts = [text.strip() for _, text in islice(lines, 5)]
    if len(texts) < 5 or not all(text.isdecimal() for text in texts[1:]):
        raise _malformed(path, number, "expected behind this a path and four numbers, a line for each")
    if int(texts[1]) != _CHANNELS:
        raise _malformed(path, number + 2, f"windows are cut from color images, of {_CHANNELS} channels")
    return texts[0], number + 1, int(texts[4])


def _block(path: Path, lines: Iterator[tuple[int, str]], first: int, count: int) -> Floats:
    """The windows of one image, (count, 6)."""
    texts = [text for _, text in islice(lines, count)]
    if len(texts) == count and all(map(str.strip, texts)):
        try:
            table = np.loadtxt(texts, np.float32, comments=None, ndmin=2) if count else np.empty((0, 6))
            if table.shape == (count, 6) and (np.abs(table) < _LARGEST).all():
                return np.asarray(table, np.float32)
        except ValueError:
            pass
    for number, text in enumerate(texts, first):
        if len(text.split()) != 6 or not _numeric(text):
            raise _malformed(path, number, "expected a window `class overlap x1 y1 x2 y2`")
    raise _malformed(path, first - 1, f"expected {count} windows behind this, found {len(texts)}")


def _numeric(text: str) -> bool:
    try:
        return all(abs(float(word)) < _LARGEST for word in text.split())
    except ValueError:
        return False


def _malformed(path: Path, line: int, message: str) -> DataError:
    return DataError.at(message, _span(path, line), help=f"the file has {_FORMAT}")


def _span(path: Path, line: int) -> Span:
    # Such files have millions of lines: where each stands is only looked up when it is needed.
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    start = sum(len(text) + 1 for text in lines[:line])
    return Span(Source(str(path), "\n".join(lines), path), start, start + len(lines[line]))


class WindowBatches:
    """A stream of windows, drawn at random: of each batch the first part background, the rest foreground.

    Args:
        windows: the windows.
        files: reads their images.
        batch_size, fg_fraction: of N windows floor(N * fg_fraction) are foreground.
        fg_threshold: a window that covers at least this much of an object is foreground.
        bg_threshold: any other with less than this is background, of class 0; the rest is not used.
        crop_size: the side of the square that a window becomes.
        context_pad: pixels of that square, on each side, that show what is around the window.
        square: the window is widened to a square first; otherwise it is stretched.
        mirror: flips windows left and right, each with probability 1/2.
        mean: (3, H, W), its middle is used, or (3, 1, 1).
        scale: what the difference to the mean is multiplied by.
        share: which of the batches this process draws.
        span: where errors about the file as a whole point at.

    Raises:
        DataError: a foreground window is of class 0, or there are none of a kind that is asked for.
    """

    def __init__(
        self,
        windows: WindowList,
        files: ImageFiles,
        *,
        batch_size: int,
        crop_size: int,
        seed: int = 0,
        fg_threshold: float = 0.5,
        bg_threshold: float = 0.5,
        fg_fraction: float = 0.25,
        context_pad: int = 0,
        square: bool = False,
        mirror: bool = False,
        mean: Floats | None = None,
        scale: float = 1,
        share: Share | None = None,
        span: Span | None = None,
    ) -> None:
        self._windows, self._files, self._batch_size, self._crop = windows, files, batch_size, crop_size
        self._pad, self._square, self._mirror, self._seed = context_pad, square, mirror, seed % 2**64
        self._share = share or Share()
        self._mean, self._scale = self._middle(mean, span), np.float32(scale)
        foreground = windows.overlap >= np.float32(fg_threshold)
        background = ~foreground & (windows.overlap < np.float32(bg_threshold))
        self._kinds = [np.flatnonzero(background), np.flatnonzero(foreground)]
        self._labels = np.where(foreground, windows.label, 0).astype(np.float32)
        part = int(np.float32(batch_size) * np.float32(fg_fraction))
        self._counts = [batch_size - part, part]
        self._check(span)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, 3, crop_size, crop_size) and (N,)."""
        return (self._batch_size, _CHANNELS, self._crop, self._crop), (self._batch_size,)

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Windows and their classes: a pure function of the settings and ``index``."""
        rng = np.random.default_rng((self._seed, _WINDOWS, self._share.batch(index)))
        chosen = np.concatenate(
            [
                kind[rng.integers(len(kind), size=count)] if count else kind[:0]
                for kind, count in zip(self._kinds, self._counts, strict=True)
            ]
        )
        mirrored = self._mirror & rng.integers(2, size=self._batch_size).astype(bool)
        images = np.zeros(self.shapes[0], np.float32)
        for image, window, flip in zip(images, chosen.tolist(), mirrored.tolist(), strict=True):
            self._draw(image, window, flip)
        return torch.from_numpy(images), torch.from_numpy(self._labels[chosen])

    def _draw(self, out: Floats, window: int, mirrored: bool) -> None:
        """Puts a window, without its mean, into a square of zeros."""
        name, line = self._windows.images[self._windows.image[window]]
        image = self._files.read(name, partial(self._windows.span, line))
        height, width = image.shape[:2]
        fit = fit_window(self._windows.box[window], (height, width), self._crop, self._pad, self._square)
        if fit is None:
            message = f"the window does not lie in its image of {height} x {width} (height x width)"
            raise DataError.at(message, self._windows.span(int(self._windows.line[window])))
        top, left = fit.before[0], (fit.after if mirrored else fit.before)[1]
        patch = _cut(image, fit, (self._crop - top, self._crop - left), mirrored)
        place = np.s_[:, top : top + patch.shape[1], left : left + patch.shape[2]]
        mean = self._mean[place] if self._mean.shape[1] > 1 else self._mean
        out[place] = (patch - mean) * self._scale

    def _middle(self, mean: Floats | None, span: Span | None) -> Floats:
        if mean is None:
            return np.zeros((1, 1, 1), np.float32)
        channels, height, width = mean.shape
        if (height, width) == (1, 1):
            return mean
        offset = (width - self._crop) // 2
        if channels != _CHANNELS or offset < 0 or height < offset + self._crop:
            side = self._crop
            message = (
                f"the mean image is {channels}x{height}x{width}, but windows are {_CHANNELS}x{side}x{side}"
            )
            raise DataError.at(message, span, help="a mean image may be larger, not smaller")
        return mean[:, offset : offset + self._crop, offset : offset + self._crop]

    def _check(self, span: Span | None) -> None:
        foreground = self._kinds[1]
        nameless = foreground[self._labels[foreground] <= 0]
        if nameless.size:
            message = "a foreground window must have a class above 0, which is the background's"
            raise DataError.at(message, self._windows.span(int(self._windows.line[nameless[0]])))
        for kind, count, name in zip(self._kinds, self._counts, ("background", "foreground"), strict=True):
            if count and not kind.size:
                help = "look at fg_threshold, bg_threshold and fg_fraction"
                raise DataError.at(f"there are no {name} windows, but a batch has {count}", span, help=help)


@dataclass(frozen=True)
class Fit:
    """Where a window comes from and where it goes; all pairs are (along y, along x).

    ``low`` and ``high`` bound the piece of the image, both included; ``size`` is what it is resized to;
    ``before`` and ``after`` are the pixels of the square that show what is outside of the image.
    """

    low: Pair
    high: Pair
    size: Pair
    before: Pair
    after: Pair


def fit_window(box: NDArray[np.int32], shape: Pair, crop: int, pad: int, square: bool) -> Fit | None:
    """How a window (x1, y1, x2, y2) of an image (height, width) fills a square; None where it cannot.

    The window is widened about its centre by crop / (crop - 2 pad), so that the widened window, stretched to
    the square, has ``pad`` pixels around the window itself. Computed in float32, as Caffe does.
    """
    low, high = box[[1, 0]].astype(np.int64), box[[3, 2]].astype(np.int64)
    size, before, after = np.full(2, crop), np.zeros(2, np.int64), np.zeros(2, np.int64)
    if pad or square:
        half = _float(high - low + 1) / np.float32(2)
        centre = _float(low) + half
        half = np.full_like(half, half.max()) if square else half
        half = half * (np.float32(crop) / np.float32(crop - 2 * pad))
        low, high = _round(centre - half), _round(centre + half)
        ratio = np.float32(crop) / _float(high - low + 1)
        before, after = np.maximum(-low, 0), np.maximum(high - shape + 1, 0)
        low, high = low + before, high - after
        size = _round(_float(high - low + 1) * ratio)
        before, after = _round(_float(before) * ratio), _round(_float(after) * ratio)
    if (low < 0).any() or (high >= shape).any() or (high < low).any():
        return None
    return Fit(_pair(low), _pair(high), _pair(size), _pair(before), _pair(after))


def _float(values: Ints) -> Floats:
    return values.astype(np.float32)


def _round(values: Floats) -> Ints:
    """To the nearest integer, halves away from zero, as in C."""
    exact = values.astype(np.float64)
    return np.copysign(np.floor(np.abs(exact) + 0.5), exact).astype(np.int64)


def _pair(values: Ints) -> Pair:
    return int(values[0]), int(values[1])


def _cut(image: Bytes, fit: Fit, room: Pair, mirrored: bool) -> Floats:
    """The piece of an image, resized, but to no more than there is room for, and mirrored: (3, h, w)."""
    height, width = (min(size, most) for size, most in zip(fit.size, room, strict=True))
    if height < 1 or width < 1:
        return np.empty((_CHANNELS, 0, 0), np.float32)
    piece = image[fit.low[0] : fit.high[0] + 1, fit.low[1] : fit.high[1] + 1]
    planes: Bytes = resized(piece, (height, width)).transpose(2, 0, 1)
    return (planes[..., ::-1] if mirrored else planes).astype(np.float32)
