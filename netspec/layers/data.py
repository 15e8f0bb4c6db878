"""Data."""

from __future__ import annotations

from functools import cached_property

from netspec.data.database import Backend, Database, open_database
from netspec.data.datum import DatumBatches
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
    How records are spread over threads and kept in memory (threads, parser_threads, cache, precache) is left
    to netspec and to the system.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        if not self.spec.data_param.batch_size:
            raise self.error("batch_size is missing, or 0", _PARAM, "batch_size")
        return list(self.stream(0).shapes)

    @property
    def ahead(self) -> int:
        return max(1, self.spec.data_param.prefetch)

    def stream(self, seed: int) -> Stream:
        param = self.spec.data_param
        spans = self.spans.sub("transform_param")
        return DatumBatches(
            self._database,
            Transformer(self.spec.transform_param, spans, training=self.training, seed=seed),
            batch_size=param.batch_size,
            seed=seed,
            shuffle=param.shuffle,
            rand_skip=param.rand_skip,
            color=self._color(),
            labels=self.num_tops == 2,
            span=self.span(_PARAM, "source"),
        )

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
