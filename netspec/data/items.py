"""The images and labels of any source, one by one and as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from netspec.data.database import Backend, Record, open_database
from netspec.data.datum import Records
from netspec.data.hdf5_list import ERRORS, Hdf5Rows, RowFile, RowFiles, read_hdf5_list
from netspec.data.idx import read_idx
from netspec.data.image_list import read_listing
from netspec.data.images import ImageFiles, decode
from netspec.data.text_list import TextList
from netspec.errors import DataError
from netspec.schema.messages import AnnotatedDatum, Datum
from netspec.text.source import Source, Span
from netspec.text.suggest import one_of

Values = NDArray[np.uint8] | NDArray[np.float32]

_DATABASES: dict[str, Backend] = {"data.mdb": "LMDB", "CURRENT": "LEVELDB"}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_GZIP = b"\x1f\x8b"
_TEXT = b"\t\n\r\f"  # of the codes below 32, those that texts have
_FORMATS = {b"\x89PNG": "png", b"\xff\xd8": "jpeg", b"BM": "bmp", b"GIF8": "gif", b"RIFF": "webp"}


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a source.

    Attributes:
        name: its key, file or number.
        values: its image (C, H, W), or what its row holds.
        stored: how: "png", "bytes", ...
        label: its class; None where there is none, or more than one number.
    """

    name: str
    values: Values
    stored: str
    label: float | None = None


class Items(Protocol):
    """The records of a source by number. Thread-safe."""

    kind: str

    def __len__(self) -> int: ...

    def __call__(self, number: int) -> Item:
        """A record.

        Raises:
            DataError: it is broken.
        """
        ...


def open_items(path: Path, *, root_folder: str = "") -> Items:
    """Opens a database, an HDF5 file, an IDX file, or a list of images or of HDF5 files.

    Args:
        root_folder: put in front of each name in an image list, as it is.

    Raises:
        DataError: there is no such source, or it is none of these, or broken.
    """
    if path.is_dir():
        return DatabaseItems(path)
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise DataError.at(f"cannot be read: {error.strerror}", file=str(path)) from error
    if start.startswith(_HDF5):
        return Hdf5Items(_lone_file(path), "HDF5")
    if start[:3] == b"\0\0\x08" or start[:2] == _GZIP:
        return IdxItems(path)
    if any(byte < 32 and byte not in _TEXT for byte in start):
        raise DataError.at("this file is none that holds images", file=str(path), help=_way_out(path))
    first = TextList(path, "list", "a database, an HDF5 or IDX file, or a list of images").lines[0]
    if Path(first).suffix in (".h5", ".hdf5"):
        places = [place for place in (Path(first), path.parent / first) if place.is_file()]
        names = dict.fromkeys(_datasets(places[0])) if places else {}
        return Hdf5Items(read_hdf5_list(path, names), "list of HDF5 files")
    return ListItems(path, root_folder)


def _way_out(path: Path) -> str:
    """What to name instead of a path at which there is no source."""
    if path.is_file() and path.name in _DATABASES:
        return f"name its folder, '{path.parent}'"
    help = "expected an LMDB, a LevelDB, an HDF5 or IDX file, or a list of images or of HDF5 files"
    return f"{help}; `netspec inspect` is for weights and mean images" if path.is_file() else help


class DatabaseItems:
    """The records of a database, which are Datum messages, or AnnotatedDatum messages.

    Args:
        backend: its kind; by default what its folder tells.

    Raises:
        DataError: it is no database, not of that kind, or broken.
    """

    def __init__(self, path: Path, backend: Backend | None = None) -> None:
        if not path.is_dir():
            there = path.exists()
            message = "is a file, not the folder of a database" if there else "there is no such folder"
            raise DataError.at(message, file=str(path), help=_way_out(path))
        found: list[Backend] = [kind for mark, kind in _DATABASES.items() if (path / mark).is_file()]
        if not found and backend is None:
            help = f"expected a folder with one of the files {one_of(_DATABASES)} in it"
            raise DataError.at("this is no LMDB and no LevelDB", file=str(path), help=help)
        self.kind: str = backend or found[0]
        database = open_database(path, backend or found[0])
        self._size = database.size()
        self._records = Records(database, batch_size=1)

    def __len__(self) -> int:
        return self._size

    def __call__(self, number: int) -> Item:
        _, (record,) = self._records.batch(number)
        datum, around = self._datum(record)
        image = self._records.image(record, datum)
        key = record[0].decode(errors="backslashreplace")
        label = datum.label if datum.HasField("label") else None
        return Item(key, np.moveaxis(image, 2, 0), _stored(datum) + around, label)

    def _datum(self, record: Record) -> tuple[Datum, str]:
        """A record's Datum, and a word on the message around it."""
        try:
            datum = Datum.FromString(record[1])
            if datum.ListFields():
                return datum, ""
            # What is written under other numbers is another message.
            return AnnotatedDatum.FromString(record[1]).datum, " in AnnotatedDatum"
        except DecodeError:
            help = "the record is cut short, or the database holds something else"
            raise self._records.wrong(record, f"is no Datum: {len(record[1])} bytes", help) from None


class ListItems:
    """The images that a list names."""

    kind = "image list"

    def __init__(self, path: Path, root_folder: str) -> None:
        self._listing = read_listing(path)
        self._files = ImageFiles([path.parent], root=root_folder)

    def __len__(self) -> int:
        return len(self._listing.names)

    def __call__(self, number: int) -> Item:
        name, where = self._listing.names[number], partial(self._listing.span, number)
        content = self._files.content(name, where)
        image = decode(content, cv2.IMREAD_UNCHANGED)
        if image is None:
            help = "the file is there, but holds no image of 8 bits per channel that OpenCV can decode"
            raise DataError.at(f"cannot read image '{name}'", where(), help=help)
        label = float(self._listing.labels[number])
        return Item(name, np.moveaxis(image, 2, 0), _format(content.tobytes()[:4]), label)


class IdxItems:
    """The images of an IDX file, with the labels that lie beside it under MNIST's names, or labels alone."""

    kind = "IDX"

    def __init__(self, path: Path) -> None:
        self._values = read_idx(path)
        beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
        labels = read_idx(beside) if beside.is_file() else None
        self._labels = labels if labels is not None and len(labels) == len(self._values) else None

    def __len__(self) -> int:
        return len(self._values)

    def __call__(self, number: int) -> Item:
        values = self._values[number]
        label = None if self._labels is None else float(self._labels[number])
        if not values.ndim:
            label = float(values)
        return Item(str(number), values[None] if values.ndim == 2 else values, "bytes", label)


class Hdf5Items:
    """The rows of HDF5 files: of their first dataset of images, or else of their first dataset."""

    def __init__(self, files: RowFiles, kind: str) -> None:
        described = ", ".join(f"{name} {_shape(shape)}" for name, shape in files.rows.items())
        self.kind = f"{kind}, rows of {described}"
        self._size = sum(file.rows for file in files.files)
        self._rows = Hdf5Rows(files, batch_size=1)
        shapes = list(files.rows.values())
        self._values = next((at for at, shape in enumerate(shapes) if len(shape) == 3), 0)
        single = [at for at, shape in enumerate(shapes) if at != self._values and np.prod(shape) == 1]
        self._label = single[0] if single else None

    def __len__(self) -> int:
        return self._size

    def __call__(self, number: int) -> Item:
        rows = self._rows.batch(number)
        label = None if self._label is None else float(rows[self._label].item())
        return Item(f"row {number}", np.asarray(rows[self._values][0]), "floats", label)


def _lone_file(path: Path) -> RowFiles:
    shapes = _datasets(path)
    rows = next(iter(shapes.values()))[0]
    file = RowFile(path, rows, Span(Source(str(path), ""), 0, 0))
    return RowFiles([file], {name: shape[1:] for name, shape in shapes.items() if shape[0] == rows})


def _datasets(path: Path) -> dict[str, tuple[int, ...]]:
    """The datasets of an HDF5 file that have rows of numbers, with their shapes."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = [(name, item) for name, item in file.items() if isinstance(item, h5py.Dataset)]
            shapes = {name: item.shape for name, item in found if item.dtype.kind in "iuf" and item.shape}
    except ERRORS as error:
        raise DataError.at(f"cannot be read as HDF5: {error}", file=str(path)) from error
    if not shapes:
        raise DataError.at("holds no datasets of numbers with rows", file=str(path))
    return shapes


def _stored(datum: Datum) -> str:
    if datum.encoded:
        return _format(datum.data[:4])
    return "bytes" if datum.data else "floats"


def _format(start: bytes) -> str:
    return next((name for mark, name in _FORMATS.items() if start.startswith(mark)), "another image format")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalars"
