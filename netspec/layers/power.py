"""Power."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Power", bottoms=1, tops=1)
class Power(Layer):
    """Shifts, scales and raises to a power: y = (shift + scale * x) ^ power."""

    def setup(self, x: Shape) -> None:
        param = self.spec.power_param
        self.power, self.scale, self.shift = param.power, param.scale, param.shift

    @property
    def is_identity(self) -> bool:
        return (self.power, self.scale, self.shift) == (1, 1, 0)

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.scale == 1 else x * self.scale
        if self.shift:
            y = y + self.shift
        return y if self.power == 1 else y**self.power
