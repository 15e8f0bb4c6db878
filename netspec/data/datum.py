"""Batches out of a database of Datum records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod

import cv2
import numpy as np
import torch
from google.protobuf.message import DecodeError
from torch import Tensor

from netspec.data.database import Database, Record
from netspec.data.image_cache import current_cache
from netspec.data.images import Bytes, decode, stack
from netspec.data.order import Order, draw_skip
from netspec.data.share import Share
from netspec.data.transformer import Floats, Image, Transformer
from netspec.errors import DataError
from netspec.schema.messages import Datum
from netspec.text.diagnostic import Note
from netspec.text.source import Span

_KEY = 60  # characters of a key that are worth reading


class Records:
    """The records of a database that make the batches of a run, in the order of their keys, over and over, or
    shuffled; and what they hold.

    Args:
        database: where they are.
        batch_size: how many make a batch.
        shuffle: draws an order for each pass, from ``seed`` and the number of the pass.
        rand_skip: starts behind a random number of records below this, drawn from ``seed``.
        color: image files are decoded to three channels (True), to one (False), or as they are (None).
        share: which of the records this process reads.
        span: what errors point at.

    Attributes:
        digest: tells the records and their order from those of another database.

    Raises:
        DataError: the database is broken; from all methods too.
    """

    def __init__(
        self,
        database: Database,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        rand_skip: int = 0,
        color: bool | None = None,
        share: Share | None = None,
        span: Span | None = None,
    ) -> None:
        self.batch_size = batch_size
        self.digest = database.digest(span)
        self._database, self._span = database, span
        self._cache = current_cache()
        self._skip, self._share = draw_skip(seed, rand_skip), share or Share()
        self._flag = {None: cv2.IMREAD_UNCHANGED, True: cv2.IMREAD_COLOR, False: cv2.IMREAD_GRAYSCALE}[color]
        # Only shuffling needs to know how many records there are.
        self._order = Order(max(1, database.size(span)), seed=seed, shuffle=True) if shuffle else None

    def first(self) -> Record:
        """The first record of the database.

        Raises:
            DataError: it is broken or empty.
        """
        return self._database.read(0, 1, self._span)[0]

    def batch(self, index: int) -> tuple[range, list[Record]]:
        """The records of a batch, and their numbers in the run.

        Raises:
            DataError: the database is broken or empty.
        """
        numbers = self._share.records(index, self.batch_size, self._skip)
        if self._order is not None:
            places = map(self._order, numbers)
            return numbers, [record for at in places for record in self._database.read(at, 1, self._span)]
        return numbers, self._database.read(numbers[0], len(numbers), self._span, step=numbers.step)

    def image(self, record: Record, datum: Datum) -> Image:
        """The values of a record's Datum, (H, W, C).

        Raises:
            DataError: it holds none, or not as many as it says.
        """
        shape = (datum.channels, datum.height, datum.width)
        if datum.encoded:
            if self._cache is None:
                return self._decoded(record, datum)
            key = (self._database, record[0], self._flag)
            return self._cache.get(key, lambda: self._decoded(record, datum))
        named = "x".join(map(str, shape))
        if min(shape) <= 0:
            help = "expected a Datum with channels, height and width, or with encoded: true"
            raise self.wrong(record, f"has the shape {named}", help)
        raw = np.frombuffer(datum.data, np.uint8)
        values: Image = raw if datum.data else np.asarray(datum.float_data, np.float32)
        if values.size != prod(shape):
            raise self.wrong(record, f"has the shape {named}, but {values.size} values")
        planes: Image = values.reshape(shape)
        return np.moveaxis(planes, 0, 2)

    def label(self, record: Record, datum: Datum) -> int:
        """The class of a record.

        Raises:
            DataError: it has none.
        """
        if not datum.HasField("label"):
            raise self.wrong(record, "has no label", "for images alone, give the layer a single top")
        return datum.label

    def stack(self, images: Sequence[Floats], records: Sequence[Record]) -> Tensor:
        """The images of a batch as one.

        Raises:
            DataError: one has another size.
        """

        def blame(index: int, message: str) -> DataError:
            return self.wrong(records[index], message, "give crop_size, or batch_size: 1")

        return stack(images, blame)

    @contextmanager
    def named(self, record: Record) -> Iterator[None]:
        """Has errors say with which record they came up."""
        try:
            yield
        except DataError as error:
            note = Note(f"the image is that of {_named(record)}", self._span)
            raise DataError([replace(d, notes=(*d.notes, note)) for d in error.diagnostics]) from error

    def wrong(self, record: Record, message: str, help: str | None = None) -> DataError:
        return DataError.at(f"{_named(record)} {message}", self._span, help=help)

    def _decoded(self, record: Record, datum: Datum) -> Bytes:
        image = decode(np.frombuffer(datum.data, np.uint8), self._flag)
        if image is None:
            raise self.wrong(record, "holds no image of 8 bits per channel that OpenCV can decode")
        said, found = (datum.height, datum.width), image.shape[:2]
        if any(said) and said != found:
            here, there = (f"{height} x {width}" for height, width in (said, found))
            raise self.wrong(record, f"says that its image is {here} (height x width), but it is {there}")
        return image


class DatumBatches:
    """A stream of images, and labels if asked for, from records that are Datum messages: bytes, floats or the
    content of an image file.

    Args:
        records: where they come from.
        transformer: makes of an image what the net gets.
        labels: whether a batch has labels.

    Raises:
        DataError: from `shapes` and `batch`: a record is broken, or does not fit.
    """

    def __init__(self, records: Records, transformer: Transformer, *, labels: bool = True) -> None:
        self._records, self._transformer, self._labels = records, transformer, labels

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, C, H, W) by the first record of the database, and (N,) for labels."""
        record, n = self._records.first(), self._records.batch_size
        image = self._image(record, self._parsed(record), 0)
        return ((n, *image.shape), (n,)) if self._labels else ((n, *image.shape),)

    @property
    def digest(self) -> str:
        return self._records.digest

    def batch(self, index: int) -> tuple[Tensor, ...]:
        """Images (N, C, H, W), and labels (N,): a pure function of the settings and ``index``."""
        numbers, records = self._records.batch(index)
        data = [self._parsed(record) for record in records]
        images = [self._image(*item) for item in zip(records, data, numbers, strict=True)]
        batch = self._records.stack(images, records)
        if not self._labels:
            return (batch,)
        labels = [self._records.label(record, datum) for record, datum in zip(records, data, strict=True)]
        return batch, torch.tensor(labels, dtype=torch.float32)

    def _image(self, record: Record, datum: Datum, number: int) -> Floats:
        image = self._records.image(record, datum)
        with self._records.named(record):
            return self._transformer(image, number)

    def _parsed(self, record: Record) -> Datum:
        try:
            return Datum.FromString(record[1])
        except DecodeError:
            help = "the record is cut short, or the database holds something else"
            raise self._records.wrong(record, f"is no Datum: {len(record[1])} bytes", help) from None


def _named(record: Record) -> str:
    key = record[0].decode(errors="backslashreplace")
    return f"record '{key if len(key) <= _KEY else key[:_KEY] + '...'}'"
