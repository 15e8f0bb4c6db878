"""MultinomialLogisticLoss."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.losses import check_one_label_per_item, log_probability, picked
from netspec.layers.registry import layer


@layer("MultinomialLogisticLoss", bottoms=2, tops=1, loss=True, labels=(1,))
class MultinomialLogisticLoss(Layer):
    """The mean over the batch of -log(p[label]), for probabilities p.

    Probabilities (N, ...), all axes but the first being classes, and one label per item. What is below 1e-20
    counts as that.
    """

    def setup(self, p: Shape, labels: Shape) -> None:
        check_one_label_per_item(self, p, labels)

    def forward(self, p: Tensor, labels: Tensor) -> Tensor:
        chosen = picked(p.flatten(1), labels.long().flatten())
        return -log_probability(chosen).sum() / p.shape[0]
