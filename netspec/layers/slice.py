"""Slice."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Slice", bottoms=1, tops=(1, None))
class Slice(Layer):
    """Cuts its bottom along an axis: at the slice points, or into equal parts."""

    def setup(self, x: Shape) -> None:
        param = self.spec.slice_param
        field = "slice_dim" if param.HasField("slice_dim") else "axis"
        if param.HasField("axis") and field == "slice_dim":
            raise self.error("takes axis or slice_dim, not both", "slice_param", field)
        self.along = self.axis(getattr(param, field), len(x), "slice_param", field)
        self.points = list(param.slice_point)

    def _sizes(self, length: int) -> list[int]:
        """The lengths of the tops, where the axis has this length: for axis 0 maybe not that of the text."""
        parts, points = self.num_tops, self.points
        if not points:
            if length % parts:
                raise self.shape_error(
                    f"axis {self.along} ({length}) does not divide into {parts} equal tops"
                )
            return [length // parts] * parts
        if len(points) != parts - 1:
            message = f"{parts} tops need {parts - 1} slice_points, not {len(points)}"
            raise self.error(message, "slice_param", "slice_point")
        edges = [0, *points, length]
        sizes = [end - start for start, end in pairwise(edges)]
        if min(sizes) <= 0:
            rule = f"slice_points must rise and lie between 0 and {length}, the length of axis {self.along}"
            raise self.shape_error(rule, "slice_param", "slice_point")
        return sizes

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        sizes = self._sizes(x.shape[self.along])
        return torch.split(x, sizes, self.along) if len(sizes) > 1 else x
