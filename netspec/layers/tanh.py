"""TanH."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import Layer
from netspec.layers.registry import layer


@layer("TanH", bottoms=1, tops=1)
class TanH(Layer):
    """The hyperbolic tangent: y = tanh(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x)
