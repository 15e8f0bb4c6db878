"""Permute."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_FIELD = ("permute_param", "order")


@layer("Permute", bottoms=1, tops=1, origin="other fork")
class Permute(Layer):
    """Puts the axes into another order: the top's axis i is the bottom's axis order[i].

    Axes that order does not name follow in their own order.
    """

    def setup(self, x: Shape) -> None:
        order = list(self.spec.permute_param.order)
        for index, axis in enumerate(order):
            self.axis(axis, len(x), *_FIELD, index)
            if axis in order[:index]:
                raise self.error(f"order names axis {axis} twice", *_FIELD, index)
        self.order = order + [axis for axis in range(len(x)) if axis not in order]

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.order)
