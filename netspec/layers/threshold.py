"""Threshold."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Threshold", bottoms=1, tops=1, labels=(0,))
class Threshold(Layer):
    """Tells what lies above a threshold: y = 1 where x > threshold, 0 elsewhere. Has no gradient."""

    def setup(self, x: Shape) -> None:
        self.threshold = self.spec.threshold_param.threshold

    def forward(self, x: Tensor) -> Tensor:
        return (x > self.threshold).to(x.dtype)
