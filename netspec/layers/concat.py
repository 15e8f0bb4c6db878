"""Concat."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Concat", bottoms=(1, None), tops=1)
class Concat(Layer):
    """Joins its bottoms along an axis; all other axes are equal."""

    def setup(self, *shapes: Shape) -> None:
        param = self.spec.concat_param
        field = "concat_dim" if param.HasField("concat_dim") else "axis"
        if param.HasField("axis") and field == "concat_dim":
            raise self.error("takes axis or concat_dim, not both", "concat_param", field)
        first = shapes[0]
        self.along = self.axis(getattr(param, field), len(first), "concat_param", field)
        for index, shape in enumerate(shapes):
            if _without(shape, self.along) != _without(first, self.along) or len(shape) != len(first):
                raise self.shape_error(f"all axes but axis {self.along} must be equal", "bottom", index)

    @property
    def is_identity(self) -> bool:
        return len(self.bottom_shapes) == 1

    def forward(self, *bottoms: Tensor) -> Tensor:
        return torch.cat(bottoms, self.along)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]
