"""ReLU6."""

from __future__ import annotations

from math import inf

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("ReLU6", bottoms=1, tops=1, origin="other fork")
class ReLU6(Layer):
    """Rectifies up to 6: y = min(max(x, 0), 6) + negative_slope * min(x, 0), the slope from relu_param.

    The gradient is 0 from 6 on.
    """

    def setup(self, x: Shape) -> None:
        self.slope = self.spec.relu_param.negative_slope

    def forward(self, x: Tensor) -> Tensor:
        # Unlike clamp, hardtanh has no gradient at its ends.
        return F.hardtanh(F.leaky_relu(x, self.slope), -inf, 6) if self.slope else F.relu6(x)
