"""ReLU."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("ReLU", bottoms=1, tops=1)
class ReLU(Layer):
    """Rectifies: y = max(x, 0) + negative_slope * min(x, 0)."""

    def setup(self, x: Shape) -> None:
        self.slope = self.spec.relu_param.negative_slope

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.slope) if self.slope else F.relu(x)
