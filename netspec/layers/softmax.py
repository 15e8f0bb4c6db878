"""Softmax."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Softmax", bottoms=1, tops=1)
class Softmax(Layer):
    """Normalised exponentials along an axis: y_k = exp(x_k) / sum_j exp(x_j)."""

    def setup(self, x: Shape) -> None:
        self.along = self.axis(self.spec.softmax_param.axis, len(x), "softmax_param", "axis")

    def forward(self, x: Tensor) -> Tensor:
        return x.softmax(self.along)
