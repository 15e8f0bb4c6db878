"""Sigmoid."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import Layer
from netspec.layers.registry import layer


@layer("Sigmoid", bottoms=1, tops=1)
class Sigmoid(Layer):
    """The logistic function: y = 1 / (1 + exp(-x))."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x)
