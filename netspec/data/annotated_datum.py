"""Batches out of a database of AnnotatedDatum records: images, and the objects in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from google.protobuf.message import DecodeError
from torch import Tensor

from netspec.data.database import Record
from netspec.data.datum import Records
from netspec.data.objects import COLUMNS, NO_OBJECTS
from netspec.data.transformer import Floats, Transformer
from netspec.schema.messages import AnnotatedDatum

_Parsed = tuple[Record, AnnotatedDatum]


class AnnotatedBatches:
    """A stream of images, and what is known of them if asked for: their objects, as rows of the image's place
    in the batch, class, instance, xmin, ymin, xmax, ymax, difficult; or their labels, where the first record
    of the database says nothing of a type of annotation.

    Args:
        records: where they come from.
        transformer: makes of an image and its objects what the net gets.
        labels: whether a batch has objects or labels.
        typed: all records have objects, whatever they say.
        classes: those that objects may have; None for any.

    Raises:
        DataError: from `shapes` and `batch`: a record is broken, or does not fit.
    """

    def __init__(
        self,
        records: Records,
        transformer: Transformer,
        *,
        labels: bool = True,
        typed: bool = False,
        classes: Collection[int] | None = None,
    ) -> None:
        self._records, self._transformer, self._labels = records, transformer, labels
        self._typed, self._classes = typed, classes
        self._boxes: bool | None = None

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, C, H, W), and (1, 1, M, 8) or (N,), by the first record of the database. M changes from batch
        to batch: it is the number of objects, or 1 for a row of -1 where there are none."""
        record, n = self._records.first(), self._records.batch_size
        image, objects = self._item(self._parsed(record), 0)
        if not self._labels:
            return ((n, *image.shape),)
        return (n, *image.shape), (1, 1, max(1, len(objects)), COLUMNS + 1) if self._has_boxes() else (n,)

    @property
    def digest(self) -> str:
        return self._records.digest

    def batch(self, index: int) -> tuple[Tensor, ...]:
        """Images (N, C, H, W), and objects (1, 1, M, 8) or labels (N,): a pure function of the settings and
        ``index``."""
        numbers, records = self._records.batch(index)
        parsed = [self._parsed(record) for record in records]
        images, objects = zip(
            *(self._item(item, number) for item, number in zip(parsed, numbers, strict=True)), strict=True
        )
        batch = self._records.stack(images, records)
        if not self._labels:
            return (batch,)
        if self._has_boxes():
            return batch, _rows(objects)
        labels = [self._records.label(record, annotated.datum) for record, annotated in parsed]
        return batch, torch.tensor(labels, dtype=torch.float32)

    def _item(self, parsed: _Parsed, number: int) -> tuple[Floats, Floats]:
        record, annotated = parsed
        image = self._records.image(record, annotated.datum)
        objects = self._objects(parsed)
        with self._records.named(record):
            return self._transformer.with_objects(image, objects, number)

    def _objects(self, parsed: _Parsed) -> Floats:
        record, annotated = parsed
        if not (self._labels and self._has_boxes()):
            return NO_OBJECTS
        if not self._typed and not annotated.HasField("type"):
            raise self._records.wrong(record, "says nothing of its type, but the first record does")
        rows = [
            (group.group_label, each.instance_id, box.xmin, box.ymin, box.xmax, box.ymax, box.difficult)
            for group in annotated.annotation_group
            for each in group.annotation
            for box in [each.bbox]
        ]
        objects = np.asarray(rows, np.float32).reshape(-1, COLUMNS)
        if not np.isfinite(objects).all():
            raise self._records.wrong(record, "has an object whose box is not finite")
        strangers = [row[0] for row in rows if self._classes is not None and row[0] not in self._classes]
        if strangers:
            message = f"has an object of class {strangers[0]}, which the label map does not name"
            raise self._records.wrong(record, message)
        return objects

    def _has_boxes(self) -> bool:
        if self._boxes is None:
            record = self._records.first()
            self._boxes = self._typed or self._parsed(record)[1].HasField("type")
        return self._boxes

    def _parsed(self, record: Record) -> _Parsed:
        try:
            annotated = AnnotatedDatum.FromString(record[1])
        except DecodeError:
            help = "the record is cut short, or the database holds something else"
            message = f"is no AnnotatedDatum: {len(record[1])} bytes"
            raise self._records.wrong(record, message, help) from None
        if not annotated.HasField("datum"):
            help = "a database of Datum records is for a layer of type Data"
            raise self._records.wrong(record, "is no AnnotatedDatum: it has no datum", help)
        return record, annotated


def _rows(objects: Sequence[Floats]) -> Tensor:
    """The objects of a batch, (1, 1, M, 8): in front of each the place of its image."""
    rows = [
        np.concatenate([np.full((len(own), 1), place, np.float32), own], axis=1)
        for place, own in enumerate(objects)
    ]
    table = np.concatenate(rows)
    if not len(table):
        table = np.full((1, COLUMNS + 1), -1, np.float32)
    return torch.from_numpy(table)[None, None]
