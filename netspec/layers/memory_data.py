"""MemoryData."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from netspec.data.memory import MemoryBatches
from netspec.data.stream import Stream
from netspec.layers.base import DataLayer, Shape
from netspec.layers.registry import layer

_PARAM = "memory_data_param"
_SIDES = ("batch_size", "channels", "height", "width")


@layer("MemoryData", bottoms=0, tops=2)
class MemoryData(DataLayer):
    """Images and labels that the program hands over with `reset`, or feeds.

    Tops: images (N, channels, height, width); labels (N). Nothing is transformed, as by Caffe's Reset.
    """

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        for side in _SIDES:
            if not getattr(self.spec.memory_data_param, side):
                message = f"{side} is missing, or 0: {', '.join(_SIDES)} are all required"
                raise self.error(message, _PARAM, side)
        return list(self._batches.shapes)

    @property
    def ahead(self) -> int:
        return 1  # what `reset` hands over is for the very next batch

    def stream(self, seed: int) -> Stream:
        return self._batches

    def reset(self, data: Any, labels: Any) -> None:
        """Hands over images (M, channels, height, width) and M labels, M a multiple of batch_size.

        The next batch begins at their first row; behind the last comes the first again.

        Raises:
            DataError: the shapes do not fit.
        """
        self._batches.reset(data, labels)

    @cached_property
    def _batches(self) -> MemoryBatches:
        param = self.spec.memory_data_param
        shape = tuple(getattr(param, side) for side in _SIDES)
        return MemoryBatches(shape, name=self.name, span=self.span(_PARAM))
