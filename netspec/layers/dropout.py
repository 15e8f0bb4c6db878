"""Dropout."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Dropout", bottoms=1, tops=1)
class Dropout(Layer):
    """In training zeroes each element with probability dropout_ratio and scales the rest by 1 / (1 - ratio).

    In TEST the identity. Srivastava et al., "Dropout: a simple way to prevent neural networks from
    overfitting", 2014.
    """

    def setup(self, x: Shape) -> None:
        self.ratio = self.spec.dropout_param.dropout_ratio
        if not 0 <= self.ratio < 1:
            message = f"expected 0 <= dropout_ratio < 1, found {self.ratio:g}"
            raise self.error(message, "dropout_param", "dropout_ratio")

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.ratio, self.training)
