"""Data."""

from __future__ import annotations

from functools import cached_property

from netspec.data.database import Backend, Database, open_database
from netspec.data.datum import DatumBatches, Records
from netspec.data.stream import Stream
from netspec.data.transformer import Transformer
from netspec.layers.base import DataLayer, Shape
from netspec.layers.registry import layer
from netspec.layers.source_file import find_source
from netspec.schema.messages import DataParameter

_PARAM = "data_param"
_BACKENDS: dict[int, Backend] = {DataParameter.LMDB: "LMDB", DataParameter.LEVELDB: "LEVELDB"}


@layer("Data", bottoms=0, tops=(1, 2))
class Data(DataLayer):
    """Images and labels from an LMDB or LevelDB of Datum records, in the order of their keys.

    Tops: images (N, C, H, W); labels (N) if there is a second top. The first record gives the shape, and the
    records of a batch must have one size, unless they are cropped to it. LevelDB asks for the package plyvel.
    `threads` of them are made into batches side by side; whether records are read apart from that and kept in
    memory (parser_threads, cache, precache) is left to netspec and to the system.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        if not self.spec.data_param.batch_size:
            raise self.error("batch_size is missing, or 0", _PARAM, "batch_size")
        return list(self.stream(0).shapes)

    @property
    def ahead(self) -> int:
        return max(1, self.spec.data_param.prefetch, self.spec.data_param.threads)

    @property
    def workers(self) -> int | None:
        return self.spec.data_param.threads or None

    @property
    def varying(self) -> frozenset[int]:
        one_by_one = self.spec.data_param.batch_size == 1 and not self.transformer(0).fixes_size
        return frozenset({0} if one_by_one else ())

    def stream(self, seed: int) -> Stream:
        return DatumBatches(self.records(seed), self.transformer(seed), labels=self.num_tops == 2)

    def records(self, seed: int) -> Records:
        """The records of this process, in an order that follows from ``seed``.

        Raises:
            DataError: the database is missing or broken.
        """
        param = self.spec.data_param
        return Records(
            self._database,
            batch_size=param.batch_size,
            seed=seed,
            shuffle=param.shuffle,
            rand_skip=param.rand_skip,
            color=self._color(),
            share=self.share,
            span=self.span(_PARAM, "source"),
        )

    def transformer(self, seed: int) -> Transformer:
        """What is made of an image."""
        spans = self.spans.sub("transform_param")
        return Transformer(self.spec.transform_param, spans, training=self.training, seed=seed)

    @cached_property
    def _database(self) -> Database:
        path = find_source(self, _PARAM, "the folder of a database")
        return open_database(path, _BACKENDS[self.spec.data_param.backend], self.span(_PARAM, "source"))

    def _color(self) -> bool | None:
        transform = self.spec.transform_param
        color = transform.force_color or self.spec.data_param.force_encoded_color
        if color and transform.force_gray:
            raise self.error("images cannot be forced to color and to gray", "transform_param", "force_gray")
        return color if color or transform.force_gray else None
