"""Rows of HDF5 datasets, from files that a list names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data.order import Order
from netspec.data.share import Share
from netspec.data.text_list import SHOWN, TextList
from netspec.errors import DataError
from netspec.text.diagnostic import Diagnostic, Note
from netspec.text.source import Span

if TYPE_CHECKING:
    import h5py

Rows = slice | NDArray[np.int64]

# What h5py makes of files that are broken, besides saying so.
ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)

_ROWS = 3  # the second of the numbers that seed a random stream
_CACHE = 2**24  # bytes of compressed data that are kept unpacked, per dataset


@dataclass(frozen=True)
class RowFile:
    """One file of a list: how many rows it has, and where the list names it."""

    path: Path
    rows: int
    span: Span


@dataclass(frozen=True)
class RowFiles:
    """The files of a list, and what they have in common: datasets by name, with the shape of a row each."""

    files: list[RowFile]
    rows: dict[str, tuple[int, ...]]


def read_hdf5_list(path: Path, names: dict[str, Span | None], *, folder: Path | None = None) -> RowFiles:
    """Reads a list of HDF5 files, a name per line, and looks into each file; the rows stay where they are.

    Args:
        path: the list.
        names: the datasets that each file must have, and where the net names them.
        folder: where relative names are looked for last, after the working directory and the list's folder.

    Raises:
        DataError: the list is empty; or a file is missing or broken, lacks a dataset, has datasets of
            different lengths, or rows of another shape than the first file.
    """
    lines = TextList(path, "list of HDF5 files", "the name of an HDF5 file per line")
    folders = [place for place in (Path(), lines.source.folder, folder) if place is not None]
    files: list[RowFile] = []
    first: dict[str, tuple[int, ...]] = {}
    wrong: list[Diagnostic] = []
    for index, name in enumerate(lines.lines):
        span = lines.span(index)
        try:
            found = _find(name, folders, span)
            shapes = _shapes(found, names, span)
            first = first or shapes
            files.append(RowFile(found, _count(found, shapes, first, span), span))
        except DataError as error:
            wrong += error.diagnostics
    if wrong:
        raise DataError(wrong[:SHOWN])
    return RowFiles(files, {name: shape[1:] for name, shape in first.items()})


class Hdf5Rows:
    """A stream of rows: file after file, row after row, over and over, in batches that run across their ends.

    Shuffling draws, for each epoch, a new order of the files and of the rows within each file. The files may
    be larger than memory: only a batch's rows are read, those of a shuffled one in the order of the file.
    """

    def __init__(
        self,
        source: RowFiles,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        share: Share | None = None,
    ) -> None:
        self._source, self._batch_size, self._share = source, batch_size, share or Share()
        self._seed, self._shuffle = seed % 2**64, shuffle
        self._order = Order(len(source.files), seed=seed, shuffle=shuffle)
        self._total = sum(file.rows for file in source.files)
        self._open: tuple[int, h5py.File] | None = None
        self._drawn: dict[tuple[int, int], NDArray[np.int64]] = {}

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, ...) for each dataset."""
        return tuple((self._batch_size, *row) for row in self._source.rows.values())

    @property
    def digest(self) -> str:
        parts = repr([(file.path.name, file.rows) for file in self._source.files]).encode()
        return blake2b(parts, digest_size=8).hexdigest()

    def batch(self, index: int) -> tuple[Tensor, ...]:
        """Rows of each dataset: a pure function of the settings and ``index``."""
        tops = self._empty()
        records = self._share.records(index, self._batch_size)
        filled = 0
        while filled < self._batch_size:
            epoch, place = divmod(records[filled], self._total)
            number, row = self._locate(epoch, place)
            places = range(row, self._source.files[number].rows, records.step)[: self._batch_size - filled]
            self._read(number, self._rows(epoch, number, places), [top[filled:] for top in tops])
            filled += len(places)
        return tuple(torch.from_numpy(top) for top in tops)

    def _empty(self) -> list[NDArray[np.float32]]:
        """Room for a batch, of which a broken file may ask for too much."""
        try:
            return [np.empty(shape, np.float32) for shape in self.shapes]
        except (MemoryError, ValueError) as error:
            raise _broken(self._source.files[0], f"no memory holds {self._batch_size} rows of it") from error

    def _locate(self, epoch: int, place: int) -> tuple[int, int]:
        """The file, and the row in it, that is number ``place`` of an epoch."""
        order = self._order.of_epoch(epoch)
        ends = np.cumsum([self._source.files[number].rows for number in order])
        at = int(np.searchsorted(ends, place, side="right"))
        number = int(order[at])
        return number, place - int(ends[at]) + self._source.files[number].rows

    def _rows(self, epoch: int, number: int, places: range) -> Rows:
        if not self._shuffle:
            return slice(places.start, places[-1] + 1, places.step)
        drawn = self._drawn.get((epoch, number))
        if drawn is None:
            rng = np.random.default_rng((self._seed, _ROWS, epoch, number))
            drawn = rng.permutation(self._source.files[number].rows)
            # Workers are in at most two files at a time.
            self._drawn = {**dict(list(self._drawn.items())[-1:]), (epoch, number): drawn}
        return drawn[places]

    def _read(self, number: int, rows: Rows, tops: Sequence[NDArray[np.float32]]) -> None:
        """Reads rows of one file into the front of arrays."""
        file = self._file(number)
        try:
            for name, top in zip(self._source.rows, tops, strict=True):
                dataset = file[name]
                if isinstance(rows, slice):
                    found = dataset[rows]
                    top[: len(found)] = found
                    continue
                for place in np.argsort(rows).tolist():  # in the file's order: neighbours share a block
                    top[place] = dataset[int(rows[place])]
        except ERRORS as error:
            raise _broken(self._source.files[number], str(error)) from error

    def _file(self, number: int) -> h5py.File:
        # Another thread may put its own file here meanwhile; one is closed when its last reader is done.
        if (held := self._open) is not None and held[0] == number:
            return held[1]
        import h5py

        file = self._source.files[number]
        try:
            opened = h5py.File(file.path, "r", rdcc_nbytes=_CACHE)
        except ERRORS as error:
            raise _broken(file, str(error)) from error
        self._open = (number, opened)
        return opened

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without the open file."""
        return {**self.__dict__, "_open": None}


def _find(name: str, folders: list[Path], span: Span) -> Path:
    places = [folder / name for folder in folders]
    for place in places:
        if place.is_file():
            return place
    tried = ", ".join(f"'{place}'" for place in dict.fromkeys(places))
    raise DataError.at(f"no such HDF5 file: '{name}'", span, help=f"looked for {tried}")


def _shapes(path: Path, names: dict[str, Span | None], span: Span) -> dict[str, tuple[int, ...]]:
    """The shapes of the datasets in a file."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = {name: file.get(name) for name in names}
            wrong = [
                _unfit(f"'{path}' has no dataset '{name}'", file, span, names[name])
                for name, dataset in found.items()
                if not isinstance(dataset, h5py.Dataset)
            ]
            wrong += [
                _unfit(f"dataset '{name}' of '{path}' holds no rows of numbers", file, span, names[name])
                for name, dataset in found.items()
                if isinstance(dataset, h5py.Dataset)
                and (dataset.dtype.kind not in "iuf" or not dataset.shape)
            ]
            if wrong:
                raise DataError(wrong)
            return {name: tuple(dataset.shape) for name, dataset in found.items()}
    except ERRORS as error:
        raise DataError.at(f"cannot read '{path}' as HDF5: {error}", span) from error


def _unfit(message: str, file: h5py.File, span: Span, top: Span | None) -> Diagnostic:
    held = ", ".join(f"{name} {item.shape}" for name, item in file.items() if hasattr(item, "shape"))
    notes = (Note("this top asks for it", top),) if top is not None else ()
    return Diagnostic(message, span, help=f"the datasets of the file: {held or 'none'}", notes=notes)


def _count(
    path: Path, shapes: dict[str, tuple[int, ...]], first: dict[str, tuple[int, ...]], span: Span
) -> int:
    """How many rows a file has."""
    lengths = {name: shape[0] for name, shape in shapes.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError.at(f"the datasets of '{path}' have different lengths: {listed}", span)
    for name, shape in shapes.items():
        if shape[1:] != first[name][1:]:
            here, there = ("x".join(map(str, dims[1:])) or "scalars" for dims in (shape, first[name]))
            message = f"rows of '{name}' in '{path}' are {here}, in the first file {there}"
            raise DataError.at(message, span)
    count = next(iter(lengths.values()))
    if not count:
        raise DataError.at(f"the datasets of '{path}' are empty", span)
    return count


def _broken(file: RowFile, reason: str) -> DataError:
    return DataError.at(f"cannot read '{file.path}': {reason}", file.span)
