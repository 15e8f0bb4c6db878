"""Flatten."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Flatten", bottoms=1, tops=1)
class Flatten(Layer):
    """Makes one axis of the axes from axis to end_axis, both included."""

    def setup(self, x: Shape) -> None:
        param = self.spec.flatten_param
        self.start = self.axis(param.axis, len(x), "flatten_param", "axis")
        self.end = self.axis(param.end_axis, len(x), "flatten_param", "end_axis")
        if self.start > self.end:
            rule = f"end_axis {param.end_axis} lies before axis {param.axis}"
            raise self.shape_error(rule, "flatten_param", "end_axis")

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start, self.end)
