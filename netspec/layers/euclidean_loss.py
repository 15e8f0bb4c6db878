"""EuclideanLoss."""

from __future__ import annotations

from math import prod

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("EuclideanLoss", bottoms=2, tops=1, loss=True)
class EuclideanLoss(Layer):
    """Half the squared distance of the bottoms, averaged over the batch: sum((a - b)^2) / (2 N)."""

    def setup(self, a: Shape, b: Shape) -> None:
        if not a or a[:1] != b[:1] or prod(a) != prod(b):
            raise self.shape_error("both bottoms must have the same batch and as many elements")

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return F.mse_loss(a, b.reshape(a.shape), reduction="sum") / (2 * a.shape[0])
