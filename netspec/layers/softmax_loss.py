"""SoftmaxWithLoss."""

from __future__ import annotations

from math import log, prod

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer
from netspec.schema.messages import LossParameter

# Caffe takes no logarithm of anything below the smallest normal float32.
_LARGEST_LOSS = -log(torch.finfo(torch.float32).tiny)


def normalization(loss: LossParameter) -> int:
    """The mode of normalisation, with regard to the old ``normalize`` (true: VALID, false: BATCH_SIZE)."""
    if loss.HasField("normalization") or not loss.HasField("normalize"):
        return loss.normalization
    return LossParameter.VALID if loss.normalize else LossParameter.BATCH_SIZE


@layer("SoftmaxWithLoss", bottoms=2, tops=(1, 2), loss=True, labels=(1,))
class SoftmaxWithLoss(Layer):
    """Multinomial logistic loss of a softmax: the sum of -log(softmax(x)[label]) over a normaliser.

    The normaliser is the number of labels (FULL), of those that are not ignore_label (VALID), of items in the
    batch (BATCH_SIZE) or 1 (NONE), and never below 1. The second top holds the softmax.
    """

    def setup(self, x: Shape, labels: Shape) -> None:
        loss = self.spec.loss_param
        self.class_axis = self.axis(self.spec.softmax_param.axis, len(x), "softmax_param", "axis")
        check_labels(self, x, labels, self.class_axis)
        self.mode, self.with_softmax = normalization(loss), self.num_tops == 2
        self.ignored = loss.ignore_label if loss.HasField("ignore_label") else None

    def forward(self, x: Tensor, labels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        axis = self.class_axis
        target = labels.long().reshape(-1, *x.shape[axis + 1 :])
        scores = x.reshape(-1, *x.shape[axis:])
        ignore = -100 if self.ignored is None else self.ignored
        losses = F.cross_entropy(scores, target, ignore_index=ignore, reduction="none")
        # The limit is on the number only, the gradient goes on beyond it.
        excess = (losses.detach() - _LARGEST_LOSS).clamp(min=0)
        loss = (losses - excess).sum() / self._normaliser(target, x)
        return (loss, x.softmax(axis)) if self.with_softmax else loss

    def _normaliser(self, target: Tensor, x: Tensor) -> Tensor | int:
        if self.mode == LossParameter.NONE:
            return 1
        if self.mode == LossParameter.BATCH_SIZE:
            return max(1, prod(x.shape[: self.class_axis]))
        if self.mode == LossParameter.FULL or self.ignored is None:
            return max(1, target.numel())
        return (target != self.ignored).sum().clamp(min=1)


def check_labels(layer: Layer, scores: Shape, labels: Shape, axis: int) -> None:
    """Labels count as many as the scores have places: all axes but that of the classes.

    Raises:
        ShapeError: they do not.
    """
    places = prod(scores) // scores[axis] if scores[axis] else 0
    if prod(labels) != places:
        rule = f"as many labels as scores without axis {axis} are needed: {places}, not {prod(labels)}"
        raise layer.shape_error(rule, "bottom", 1)
