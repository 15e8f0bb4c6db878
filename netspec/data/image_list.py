"""Images named by a list: a text file with a line `path label` for each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data.transformer import Floats, Transformer
from netspec.errors import DataError
from netspec.text.diagnostic import Diagnostic, Note
from netspec.text.source import Source, Span

_ORDER, _SKIP = 0, 2  # the second of the numbers that seed a random stream
_INTEGER = re.compile(r"[+-]?\d+")
_SHOWN = 10  # errors of one list that are worth reading


@dataclass(frozen=True)
class Listing:
    """What an image list says: the images' names, their labels, and where the lines stand."""

    source: Source
    names: list[str]
    labels: NDArray[np.float32]
    starts: list[int]

    def span(self, record: int) -> Span:
        start = self.starts[record]
        return Span(self.source, start, start + len(self.names[record]))


def read_listing(path: Path) -> Listing:
    """Reads an image list. A line is split at its last space; blank lines are skipped.

    Raises:
        DataError: the list cannot be read, is empty, or has lines without an integer label.
    """
    try:
        source = Source(str(path), path.read_text(encoding="utf-8", errors="surrogateescape"), path)
    except OSError as error:
        raise DataError.at(f"cannot read the image list: {error.strerror}", file=str(path)) from error
    names: list[str] = []
    labels: list[int] = []
    starts: list[int] = []
    wrong: list[Diagnostic] = []
    offset = 0
    for line in source.text.split("\n"):
        name, _, label = line.strip().rpartition(" ")
        start, offset = offset + len(line) - len(line.lstrip()), offset + len(line) + 1
        if not label:
            continue
        if name and _INTEGER.fullmatch(label):
            names.append(name)
            labels.append(int(label))
            starts.append(start)
        else:
            span = Span(source, start, start + len(line.strip()))
            wrong.append(Diagnostic("expected a line `path label` with an integer label", span))
    if wrong:
        raise DataError(wrong[:_SHOWN])
    if not names:
        raise DataError.at(
            "the image list is empty", file=str(path), help="expected a line `path label` per image"
        )
    return Listing(source, names, np.asarray(labels, np.float32), starts)


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
        root_folder: put in front of each name, as it is.
        text_folder: where relative names are looked for last, after the working directory and the list's.

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
        root_folder: str = "",
        text_folder: Path | None = None,
    ) -> None:
        self._listing, self._transformer, self._batch_size = listing, transformer, batch_size
        self._seed, self._shuffle, self._size, self._root = seed % 2**64, shuffle, size, root_folder
        self._skip = int(np.random.default_rng((self._seed, _SKIP)).integers(rand_skip)) if rand_skip else 0
        self._flag = cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE
        folders = (Path(), listing.source.folder, text_folder)
        self._folders = list(dict.fromkeys(folder for folder in folders if folder is not None))
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, C, H, W) by the first image of the list, and (N,)."""
        return (self._batch_size, *self._transformed(0, 0).shape), (self._batch_size,)

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) and labels (N,): a pure function of the settings and ``index``."""
        first = index * self._batch_size + self._skip
        lines = [self._line(record) for record in range(first, first + self._batch_size)]
        images: list[Floats] = []
        for record, line in enumerate(lines, first):
            image = self._transformed(line, record)
            if images and image.shape != images[0].shape:
                here, there = ("x".join(map(str, shape)) for shape in (image.shape, images[0].shape))
                message = f"image '{self._listing.names[line]}' is {here}, others of its batch {there}"
                help = "give new_height and new_width, or batch_size: 1"
                raise DataError.at(message, self._listing.span(line), help=help)
            images.append(image)
        return torch.from_numpy(np.stack(images)), torch.from_numpy(self._listing.labels[lines])

    def _line(self, record: int) -> int:
        epoch, place = divmod(record, len(self._listing.names))
        if not self._shuffle:
            return place
        known, order = self._order
        if known != epoch:
            order = np.random.default_rng((self._seed, _ORDER, epoch)).permutation(len(self._listing.names))
            self._order = (epoch, order)
        return int(order[place])

    def _transformed(self, line: int, record: int) -> Floats:
        image = self._read(line)
        try:
            return self._transformer(image, record)
        except DataError as error:
            note = Note("the image is named here", self._listing.span(line))
            raise DataError([replace(d, notes=(*d.notes, note)) for d in error.diagnostics]) from error

    def _read(self, line: int) -> NDArray[np.uint8]:
        """The decoded image, (H, W, C)."""
        name = self._root + self._listing.names[line]
        path = next((folder / name for folder in self._folders if (folder / name).is_file()), None)
        if path is None:
            tried = ", ".join(f"'{folder / name}'" for folder in self._folders)
            raise DataError.at(
                f"no such image: '{name}'", self._listing.span(line), help=f"looked for {tried}"
            )
        try:
            data = np.fromfile(path, np.uint8)
        except OSError as error:
            raise self._unreadable(name, line, str(error)) from error
        # Not imread: it writes to stderr, and takes no name beyond ASCII on some systems.
        image = cv2.imdecode(data, self._flag) if data.size else None
        if image is None:
            raise self._unreadable(name, line, "the file is there, but holds no image that OpenCV can decode")
        height, width = self._size
        if height and width:
            image = cv2.resize(image, (width, height))
        return np.asarray(image, np.uint8).reshape(*image.shape[:2], -1)

    def _unreadable(self, name: str, line: int, help: str) -> DataError:
        return DataError.at(f"cannot read image '{name}'", self._listing.span(line), help=help)
