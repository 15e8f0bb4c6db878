"""Dropout."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Dropout", bottoms=1, tops=1)
class Dropout(Layer):
    """In training zeroes each element with probability dropout_ratio and scales the rest by 1 / (1 - ratio).

    In TEST the identity. With scale_train false, as the Faster R-CNN fork has it, TEST scales by 1 - ratio in
    place of training. Draws follow the solver's random_seed; the layer's own has no effect. Srivastava et
    al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """

    def setup(self, x: Shape) -> None:
        param = self.spec.dropout_param
        self.ratio, self.scale_train = param.dropout_ratio, param.scale_train
        if not 0 <= self.ratio < 1:
            message = f"expected 0 <= dropout_ratio < 1, found {self.ratio:g}"
            raise self.error(message, "dropout_param", "dropout_ratio")

    @property
    def is_identity(self) -> bool:
        return not self.ratio or (self.scale_train and not self.training)

    def forward(self, x: Tensor) -> Tensor:
        y = F.dropout(x, self.ratio, self.training)
        return y if self.scale_train else y * (1 - self.ratio)
