"""L1Loss."""

from __future__ import annotations

from math import prod

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("L1Loss", bottoms=2, tops=1, origin="other fork", loss=True)
class L1Loss(Layer):
    """The absolute differences of the bottoms, averaged over the batch: sum(|a - b|) / N."""

    def setup(self, a: Shape, b: Shape) -> None:
        if not a or a[:1] != b[:1] or prod(a) != prod(b):
            raise self.shape_error("both bottoms must have the same batch and as many elements")

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return F.l1_loss(a, b.reshape(a.shape), reduction="sum") / a.shape[0]
