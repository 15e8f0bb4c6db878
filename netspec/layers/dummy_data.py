"""DummyData."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from netspec.data.share import Share
from netspec.data.stream import Stream
from netspec.layers.base import DataLayer, Shape
from netspec.layers.fillers import Filler, find_filler
from netspec.layers.registry import layer
from netspec.schema.messages import FillerParameter

_PARAM = "dummy_data_param"
T = TypeVar("T")
_LEGACY = ("num", "channels", "height", "width")


class FilledBatches:
    """Batches that fillers make: constant tops are filled once, the others anew for each batch."""

    def __init__(
        self,
        shapes: Sequence[Shape],
        fillers: Sequence[Filler],
        constant: Sequence[bool],
        seed: int,
        share: Share,
    ) -> None:
        self._shapes, self._fillers, self._seed = tuple(shapes), fillers, seed % 2**64
        self._share = share
        self._kept = [
            filler(shape, torch.Generator()) if once else None
            for shape, filler, once in zip(shapes, fillers, constant, strict=True)
        ]

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return self._shapes

    def batch(self, index: int) -> tuple[Tensor, ...]:
        state = np.random.SeedSequence((self._seed, self._share.batch(index))).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0]))
        return tuple(
            filler(shape, generator) if kept is None else kept
            for kept, filler, shape in zip(self._kept, self._fillers, self._shapes, strict=True)
        )


@layer("DummyData", bottoms=0, tops=(1, None))
class DummyData(DataLayer):
    """Blobs that fillers make: constant ones once, others anew for each batch.

    One shape, or one per top; one data_filler, one per top, or none for zeros.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        param = self.spec.dummy_data_param
        legacy = [name for name in _LEGACY if len(getattr(param, name))]
        if not legacy:
            given = [tuple(shape.dim) for shape in param.shape]
            return self._per_top(given, "shape")
        if len(param.shape) or len(legacy) < len(_LEGACY):
            message = "takes shape, or all of num, channels, height and width"
            raise self.error(message, _PARAM, legacy[0])
        sides = [self._per_top(list(getattr(param, name)), name) for name in _LEGACY]
        return list(zip(*sides, strict=True))

    def stream(self, seed: int) -> Stream:
        messages = list(self.spec.dummy_data_param.data_filler)
        spans = [self.spans.sub(_PARAM, "data_filler", index) for index in range(len(messages))]
        if not messages:
            messages, spans = [FillerParameter()], [self.spans]
        chosen = self._per_top(list(zip(messages, spans, strict=True)), "data_filler")
        fillers = [find_filler(message, span) for message, span in chosen]
        constant = [message.type == "constant" for message, _ in chosen]
        return FilledBatches(self.top_shapes(), fillers, constant, seed, self.share)

    def _per_top(self, given: list[T], field: str) -> list[T]:
        if len(given) not in (1, self.num_tops):
            message = f"expected one {field}, or one for each of {self.num_tops} tops, found {len(given)}"
            raise self.error(message, _PARAM, field)
        return given * self.num_tops if len(given) == 1 else given
