"""BNLL."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer
from netspec.layers.registry import layer


@layer("BNLL", bottoms=1, tops=1)
class BNLL(Layer):
    """Binomial normal log likelihood, a smooth rectifier: y = log(1 + exp(x))."""

    def forward(self, x: Tensor) -> Tensor:
        return F.softplus(x)
