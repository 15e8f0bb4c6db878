"""Clip."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Clip", bottoms=1, tops=1)
class Clip(Layer):
    """Clamps each element: y = min(max(x, min), max).

    The gradient goes through from min to max, both included.
    """

    def setup(self, x: Shape) -> None:
        self.low, self.high = self.spec.clip_param.min, self.spec.clip_param.max
        if self.low > self.high:
            raise self.error(f"min {self.low:g} is above max {self.high:g}", "clip_param", "min")

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(self.low, self.high)
