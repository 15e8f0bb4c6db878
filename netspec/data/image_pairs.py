"""Images with a label for each pixel, named by a list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data.images import Bytes, ImageFiles, resized, stack
from netspec.data.order import Order, draw_skip
from netspec.data.share import Share
from netspec.data.text_list import SHOWN, TextList
from netspec.errors import DataError
from netspec.text.diagnostic import Diagnostic
from netspec.text.source import Span

Floats = NDArray[np.float32]
Labels = Literal["NONE", "IMAGE", "PIXEL"]

_INTEGER = re.compile(r"[+-]?\d{1,10}")
_DRAWS = 1  # the second of the numbers that seed a random stream
_LINES = {
    "NONE": "`path`",
    "IMAGE": "`path label` with an integer label",
    "PIXEL": "`path path`, of an image and of its label image",
}


@dataclass(frozen=True)
class PairList:
    """What a list says: the images' names and what stands behind them, a pair for each of its lines."""

    lines: TextList
    names: list[str]
    labels: list[str]

    def span(self, line: int) -> Span:
        """The place of an image's name."""
        return self.lines.span(line, 0, len(self.names[line]))

    def label_span(self, line: int) -> Span:
        """The place of what stands behind it."""
        start = self.lines.lines[line].find(self.labels[line], len(self.names[line]))
        return self.lines.span(line, start, len(self.labels[line]))


def read_pairs(path: Path, kind: Labels) -> PairList:
    """Reads a list of images. White space parts a line.

    Raises:
        DataError: the list cannot be read, is empty, or a line does not have what ``kind`` of label asks for.
    """
    lines = TextList(path, "image list", f"a line {_LINES[kind]} per image")
    words = [line.split() for line in lines.lines]
    wrong = [
        Diagnostic(f"expected a line {_LINES[kind]}", lines.span(index))
        for index, line in enumerate(words)
        if kind != "NONE" and (len(line) < 2 or (kind == "IMAGE" and not _INTEGER.fullmatch(line[1])))
    ]
    if wrong:
        raise DataError(wrong[:SHOWN])
    return PairList(lines, [line[0] for line in words], [line[1] if line[1:] else "" for line in words])


class PairTransformer:
    """Turns an image (H, W, C) and its labels (H, W, 1) into what the net gets, alike.

    In training they are resized by one of ``factors``, cropped somewhere and mirrored at random, drawn from
    ``seed`` and the record's number alone; in TEST the crop is the middle. What is smaller than the crop is
    padded at the bottom and on the right: the image with its mean, the labels with ``ignore``.

    Args:
        crop: height and width; zeros: none.
        mean: one value, one per channel, or none.
    """

    def __init__(
        self,
        *,
        training: bool,
        seed: int = 0,
        crop: tuple[int, int] = (0, 0),
        mean: Sequence[float] = (),
        scale: float = 1,
        mirror: bool = False,
        factors: Sequence[float] = (),
        ignore: int = 255,
    ) -> None:
        self.crop = crop
        self._mean = np.asarray(mean or [0], np.float32).reshape(-1, 1, 1)
        self._scale, self._mirror, self._ignore = np.float32(scale), mirror, as_byte(ignore)
        self._factors = [np.float32(factor) for factor in factors]
        self._random, self._seed = training, seed % 2**64

    def __call__(self, image: Bytes, labels: Bytes, record: int) -> tuple[Floats, Floats]:
        """(C, H', W') and (1, H', W'), both float32; ``record`` is its number in the whole run."""
        rng = np.random.default_rng((self._seed, _DRAWS, record)) if self._random else None
        if rng is not None and self._factors:
            factor = self._factors[rng.integers(len(self._factors))]
            height, width = (max(1, int(np.float32(side) * factor)) for side in image.shape[:2])
            image, labels = resized(image, (height, width)), resized(labels, (height, width), labels=True)
        pixels = (image.transpose(2, 0, 1).astype(np.float32) - self._mean) * self._scale
        classes = labels.transpose(2, 0, 1).astype(np.float32)
        place = self._place(image.shape[0], image.shape[1], rng)
        mirrored = rng is not None and self._mirror and bool(rng.integers(2))
        # Without its mean, what is padded with the mean is 0.
        return self._cut(pixels, place, 0, mirrored), self._cut(classes, place, self._ignore, mirrored)

    def _place(self, height: int, width: int, rng: np.random.Generator | None) -> tuple[int, int]:
        """Where the crop begins, in the image with its padding."""
        rows, columns = (max(0, side - crop) for side, crop in zip((height, width), self.crop, strict=True))
        if not all(self.crop):
            return 0, 0
        if rng is None:
            return rows // 2, columns // 2
        return int(rng.integers(rows + 1)), int(rng.integers(columns + 1))

    def _cut(self, planes: Floats, place: tuple[int, int], fill: float, mirrored: bool) -> Floats:
        if all(self.crop):
            (top, left), (height, width) = place, self.crop
            planes = planes[:, top : top + height, left : left + width]
            bottom, right = height - planes.shape[1], width - planes.shape[2]
            planes = np.pad(planes, ((0, 0), (0, bottom), (0, right)), constant_values=fill)
        return np.ascontiguousarray(planes[..., ::-1] if mirrored else planes)


def as_byte(label: int) -> int:
    """The nearest label that a label image can hold."""
    return min(max(label, 0), 255)


class ImagePairs:
    """A stream of images, their labels, and the sizes that they had.

    Args:
        pairs: the list.
        transformer: makes of an image and its labels what the net gets.
        kind: PIXEL: each image has a label image; IMAGE: one label for all its pixels; NONE: ``ignore``.
        shuffle: draws an order for each epoch, from ``seed`` and the epoch's number.
        rand_skip: starts behind a random number of records below this.
        color: three channels, BGR; otherwise gray.
        size: height and width to which images are resized; zeros keep theirs. Labels are not interpolated.
        ignore: the label of no class.
        parts: how many of images, labels and sizes a batch has.
        share: which of the records this process reads.

    Raises:
        DataError: from `shapes` and `batch`: an image is missing, broken or of the wrong size.
    """

    def __init__(
        self,
        pairs: PairList,
        files: ImageFiles,
        transformer: PairTransformer,
        kind: Labels,
        *,
        batch_size: int = 1,
        seed: int = 0,
        shuffle: bool = False,
        rand_skip: int = 0,
        color: bool = True,
        size: tuple[int, int] = (0, 0),
        ignore: int = 255,
        parts: int = 3,
        share: Share | None = None,
    ) -> None:
        self._pairs, self._files, self._transformer, self._kind = pairs, files, transformer, kind
        self._batch_size, self._color, self._size, self._ignore = batch_size, color, size, ignore
        self._order = Order(len(pairs.names), seed=seed, shuffle=shuffle)
        self._skip, self._parts, self._share = draw_skip(seed, rand_skip), parts, share or Share()

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, C, H, W) by the first image of the list, (N, 1, H, W) and (N, 1, 1, 2)."""
        image, labels, _ = self._record(0, 0)
        n = self._batch_size
        return ((n, *image.shape), (n, *labels.shape), (n, 1, 1, 2))[: self._parts]

    @property
    def digest(self) -> str:
        return self._pairs.lines.digest

    def batch(self, index: int) -> tuple[Tensor, ...]:
        """Images (N, C, H, W), labels (N, 1, H, W), and height and width (N, 1, 1, 2) that each image had, no
        more than the crop's: a pure function of the settings and ``index``."""
        records = self._share.records(index, self._batch_size, self._skip)
        lines = [self._order(record) for record in records]
        images, labels, sizes = zip(
            *(self._record(line, record) for line, record in zip(lines, records, strict=True)), strict=True
        )

        def blame(index: int, message: str) -> DataError:
            line = lines[index]
            help = "give a crop, new_height and new_width, or batch_size: 1"
            message = f"image '{self._pairs.names[line]}' {message}"
            return DataError.at(message, self._pairs.span(line), help=help)

        dims = torch.tensor(sizes, dtype=torch.float32).view(-1, 1, 1, 2)
        return (stack(images, blame), torch.from_numpy(np.stack(labels)), dims)[: self._parts]

    def _record(self, line: int, record: int) -> tuple[Floats, Floats, tuple[int, int]]:
        where = partial(self._pairs.span, line)
        image = self._files.read(self._pairs.names[line], where, color=self._color, size=self._size)
        height, width = image.shape[:2]
        most = self._transformer.crop
        pixels, classes = self._transformer(image, self._labels(line, image), record)
        return pixels, classes, (min(height, most[0] or height), min(width, most[1] or width))

    def _labels(self, line: int, image: Bytes) -> Bytes:
        height, width = image.shape[:2]
        if self._kind != "PIXEL":
            label = self._ignore if self._kind == "NONE" else int(self._pairs.labels[line])
            return np.full((height, width, 1), as_byte(label), np.uint8)
        name, where = self._pairs.labels[line], partial(self._pairs.label_span, line)
        labels = self._files.read(name, where, color=False, size=self._size, labels=True)
        if labels.shape[:2] != image.shape[:2]:
            sizes = (" x ".join(map(str, shape[:2])) for shape in (labels.shape, image.shape))
            message = "label image '{}' is {}, its image {} (height x width)".format(name, *sizes)
            raise DataError.at(message, where())
        return labels
