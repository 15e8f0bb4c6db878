"""Batches out of a database of Datum records."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch
from google.protobuf.message import DecodeError
from torch import Tensor

from netspec.data.database import Database, Record
from netspec.data.images import decode, stack
from netspec.data.order import Order, draw_skip
from netspec.data.transformer import Floats, Image, Transformer
from netspec.errors import DataError
from netspec.schema.messages import Datum
from netspec.text.diagnostic import Note
from netspec.text.source import Span

_KEY = 60  # characters of a key that are worth reading


class DatumBatches:
    """A stream of images, and labels if asked for, from the records of a database in the order of their keys,
    over and over, or shuffled.

    Args:
        database: its records are Datum messages: bytes, floats or the content of an image file.
        transformer: makes of an image what the net gets.
        shuffle: draws an order for each pass, from ``seed`` and the number of the pass.
        rand_skip: starts behind a random number of records below this, drawn from ``seed``.
        color: image files are decoded to three channels (True), to one (False), or as they are (None).
        labels: whether a batch has labels.
        span: what errors point at.

    Raises:
        DataError: from `shapes` and `batch`: a record is broken, or does not fit.
    """

    def __init__(
        self,
        database: Database,
        transformer: Transformer,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        rand_skip: int = 0,
        color: bool | None = None,
        labels: bool = True,
        span: Span | None = None,
    ) -> None:
        self._database, self._transformer, self._batch_size = database, transformer, batch_size
        self._skip, self._labels, self._span = draw_skip(seed, rand_skip), labels, span
        self._flag = {None: cv2.IMREAD_UNCHANGED, True: cv2.IMREAD_COLOR, False: cv2.IMREAD_GRAYSCALE}[color]
        # Only shuffling needs to know how many records there are.
        self._order = Order(max(1, database.size(span)), seed=seed, shuffle=True) if shuffle else None

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, C, H, W) by the first record of the database, and (N,) for labels."""
        (record,) = self._database.read(0, 1, self._span)
        image, n = self._transformed(record, self._parsed(record), 0), self._batch_size
        return ((n, *image.shape), (n,)) if self._labels else ((n, *image.shape),)

    def batch(self, index: int) -> tuple[Tensor, ...]:
        """Images (N, C, H, W), and labels (N,): a pure function of the settings and ``index``."""
        first = index * self._batch_size + self._skip
        records = self._records(first)
        data = [self._parsed(record) for record in records]
        images = [
            self._transformed(record, datum, number)
            for number, (record, datum) in enumerate(zip(records, data, strict=True), first)
        ]

        def blame(index: int, message: str) -> DataError:
            return self._wrong(records[index], message, "give crop_size, or batch_size: 1")

        batch = stack(images, blame)
        if not self._labels:
            return (batch,)
        labels = [self._label(record, datum) for record, datum in zip(records, data, strict=True)]
        return batch, torch.tensor(labels, dtype=torch.float32)

    def _records(self, first: int) -> list[Record]:
        if self._order is None:
            return self._database.read(first, self._batch_size, self._span)
        places = [self._order(number) for number in range(first, first + self._batch_size)]
        return [record for place in places for record in self._database.read(place, 1, self._span)]

    def _transformed(self, record: Record, datum: Datum, number: int) -> Floats:
        image = self._image(record, datum)
        try:
            return self._transformer(image, number)
        except DataError as error:
            note = Note(f"the image is that of {_named(record)}", self._span)
            raise DataError([replace(d, notes=(*d.notes, note)) for d in error.diagnostics]) from error

    def _parsed(self, record: Record) -> Datum:
        try:
            return Datum.FromString(record[1])
        except DecodeError:
            help = "the record is cut short, or the database holds something else"
            raise self._wrong(record, f"is no Datum: {len(record[1])} bytes", help) from None

    def _image(self, record: Record, datum: Datum) -> Image:
        """The values of a record, (H, W, C)."""
        if datum.encoded:
            image = decode(np.frombuffer(datum.data, np.uint8), self._flag)
            if image is None:
                raise self._wrong(record, "holds no image of 8 bits per channel that OpenCV can decode")
            return image
        shape = (datum.channels, datum.height, datum.width)
        raw = np.frombuffer(datum.data, np.uint8)
        values: Image = raw if datum.data else np.asarray(datum.float_data, np.float32)
        named = "x".join(map(str, shape))
        if min(shape) <= 0:
            help = "expected a Datum with channels, height and width, or with encoded: true"
            raise self._wrong(record, f"has the shape {named}", help)
        if values.size != np.prod(shape):
            raise self._wrong(record, f"has the shape {named}, but {values.size} values")
        planes: Image = values.reshape(shape)
        return np.moveaxis(planes, 0, 2)

    def _label(self, record: Record, datum: Datum) -> int:
        if not datum.HasField("label"):
            raise self._wrong(record, "has no label", "for images alone, give the layer a single top")
        return datum.label

    def _wrong(self, record: Record, message: str, help: str | None = None) -> DataError:
        return DataError.at(f"{_named(record)} {message}", self._span, help=help)


def _named(record: Record) -> str:
    key = record[0].decode(errors="backslashreplace")
    return f"record '{key if len(key) <= _KEY else key[:_KEY] + '...'}'"
