"""Images named by a list: a text file with a line `path label` for each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data.images import ImageFiles, stack
from netspec.data.order import Order, draw_skip
from netspec.data.share import Share
from netspec.data.text_list import SHOWN, TextList
from netspec.data.transformer import Floats, Transformer
from netspec.errors import DataError
from netspec.text.diagnostic import Diagnostic, Note
from netspec.text.source import Source, Span

_INTEGER = re.compile(r"[+-]?\d{1,10}")


@dataclass(frozen=True)
class Listing:
    """What an image list says: the images' names and labels, a pair for each of its lines."""

    lines: TextList
    names: list[str]
    labels: NDArray[np.float32]

    @property
    def source(self) -> Source:
        return self.lines.source

    def span(self, record: int) -> Span:
        return self.lines.span(record, 0, len(self.names[record]))


def read_listing(path: Path) -> Listing:
    """Reads an image list. A line is split at its last white space; blank lines are skipped.

    Raises:
        DataError: the list cannot be read, is empty, or has lines without an integer label.
    """
    lines = TextList(path, "image list", "a line `path label` per image")
    pairs = [_halves(line) for line in lines.lines]
    wrong = [
        Diagnostic("expected a line `path label` with an integer label", lines.span(index))
        for index, (name, label) in enumerate(pairs)
        if not name or not _INTEGER.fullmatch(label)
    ]
    if wrong:
        raise DataError(wrong[:SHOWN])
    labels = np.asarray([int(label) for _, label in pairs], np.float32)
    return Listing(lines, [name for name, _ in pairs], labels)


def _halves(line: str) -> tuple[str, str]:
    name, *label = line.rsplit(None, 1)
    return (name, label[0]) if label else ("", name)


class ImageList:
    """A stream of images and labels.

    Record r of the run is line r mod N of the list, in an order that is new in each epoch where the list is
    shuffled; the batches hold records in turn and run across the ends of epochs.

    Args:
        listing: the list.
        transformer: makes of a decoded image what the net gets.
        shuffle: draws an order for each epoch, from ``seed`` and the epoch's number.
        rand_skip: starts behind a random number of records below this.
        color: three channels, BGR; otherwise gray.
        size: height and width to which images are resized, bilinearly; zeros keep theirs.
        short_side: the length to which the shorter side is resized instead; 0 keeps it.
        root_folder: put in front of each name, as it is.
        text_folder: where relative names are looked for last, after the working directory and the list's.
        keep: whether to keep the files' content in memory.
        share: which of the records this process reads.

    Raises:
        DataError: from `shapes` and `batch`: an image is missing, broken or of the wrong size.
    """

    def __init__(
        self,
        listing: Listing,
        transformer: Transformer,
        *,
        batch_size: int = 1,
        seed: int = 0,
        shuffle: bool = False,
        rand_skip: int = 0,
        color: bool = True,
        size: tuple[int, int] = (0, 0),
        short_side: int = 0,
        root_folder: str = "",
        text_folder: Path | None = None,
        keep: bool = False,
        share: Share | None = None,
    ) -> None:
        self._listing, self._transformer, self._batch_size = listing, transformer, batch_size
        self._order = Order(len(listing.names), seed=seed, shuffle=shuffle)
        self._skip, self._share = draw_skip(seed, rand_skip), share or Share()
        self._color, self._size, self._short_side = color, size, short_side
        self._files = ImageFiles((listing.source.folder, text_folder), root=root_folder, keep=keep)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, C, H, W) by the first image of the list, and (N,)."""
        return (self._batch_size, *self._transformed(0, 0).shape), (self._batch_size,)

    @property
    def digest(self) -> str:
        return self._listing.lines.digest

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) and labels (N,): a pure function of the settings and ``index``."""
        records = self._share.records(index, self._batch_size, self._skip)
        lines = [self._order(record) for record in records]
        images = [self._transformed(line, record) for line, record in zip(lines, records, strict=True)]

        def blame(index: int, message: str) -> DataError:
            line = lines[index]
            help = "give new_height and new_width, or batch_size: 1"
            message = f"image '{self._listing.names[line]}' {message}"
            return DataError.at(message, self._listing.span(line), help=help)

        return stack(images, blame), torch.from_numpy(self._listing.labels[lines])

    def _transformed(self, line: int, record: int) -> Floats:
        where = partial(self._listing.span, line)
        image = self._files.read(
            self._listing.names[line],
            where,
            color=self._color,
            size=self._size,
            short_side=self._short_side,
        )
        try:
            return self._transformer(image, record)
        except DataError as error:
            note = Note("the image is named here", where())
            raise DataError([replace(d, notes=(*d.notes, note)) for d in error.diagnostics]) from error
