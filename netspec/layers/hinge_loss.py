"""HingeLoss."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.losses import check_one_label_per_item, picked
from netspec.layers.registry import layer
from netspec.schema.messages import HingeLossParameter


@layer("HingeLoss", bottoms=2, tops=1, loss=True, labels=(1,))
class HingeLoss(Layer):
    """One against all: max(0, 1 - s x) summed over the classes, s = 1 for the label's and -1 for the others.

    Scores (N, ...), all axes but the first being classes, and one label per item; the sum is divided by N.
    Norm L2 squares each violation of the margin.
    """

    def setup(self, x: Shape, labels: Shape) -> None:
        check_one_label_per_item(self, x, labels)
        self.squared = self.spec.hinge_loss_param.norm == HingeLossParameter.L2

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        scores, target = x.flatten(1), labels.long().flatten()
        right = (1 - picked(scores, target)).relu()
        is_right = torch.arange(scores.shape[1], device=x.device) == target[:, None]
        wrong = (1 + scores).relu().masked_fill(is_right, 0)
        if self.squared:
            right, wrong = right.square(), wrong.square()
        return (right.sum() + wrong.sum()) / x.shape[0]
