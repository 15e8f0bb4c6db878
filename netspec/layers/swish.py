"""Swish."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Swish", bottoms=1, tops=1)
class Swish(Layer):
    """The logistic function as a gate: y = x / (1 + exp(-beta x)).

    Ramachandran et al., "Searching for activation functions", 2017.
    """

    def setup(self, x: Shape) -> None:
        self.beta = self.spec.swish_param.beta

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x) if self.beta == 1 else x * torch.sigmoid(x * self.beta)
