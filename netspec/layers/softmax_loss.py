"""SoftmaxWithLoss."""

from __future__ import annotations

from math import log, prod

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.losses import NO_LABEL, check_labels, normaliser, normalization, with_gradient_of
from netspec.layers.registry import layer

# Caffe takes no logarithm of anything below the smallest normal float32.
_LARGEST_LOSS = -log(torch.finfo(torch.float32).tiny)


@layer("SoftmaxWithLoss", bottoms=2, tops=(1, 2), loss=True, labels=(1,))
class SoftmaxWithLoss(Layer):
    """Multinomial logistic loss of a softmax: the sum of -log(softmax(x)[label]) over a normaliser.

    The normaliser is the number of labels (FULL), of those that are not ignore_label (VALID), of items in the
    batch (BATCH_SIZE) or 1 (NONE), and never below 1. The second top holds the softmax, through which no
    gradient passes. With label_smoothing, that share of each label's weight is spread evenly over all
    classes.
    """

    def setup(self, x: Shape, labels: Shape) -> None:
        loss = self.spec.loss_param
        self.class_axis = self.axis(self.spec.softmax_param.axis, len(x), "softmax_param", "axis")
        self.ignored = loss.ignore_label if loss.HasField("ignore_label") else NO_LABEL
        check_labels(self, x, labels, self.class_axis, self.ignored)
        self.mode, self.with_softmax = normalization(loss), self.num_tops == 2
        self.smoothing = loss.label_smoothing
        if not 0 <= self.smoothing < 1:
            message = "label_smoothing must be at least 0, and less than 1"
            raise self.error(message, "loss_param", "label_smoothing")

    def forward(self, x: Tensor, labels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        axis = self.class_axis
        target = labels.long().reshape(-1, *x.shape[axis + 1 :])
        scores = x.reshape(-1, *x.shape[axis:])
        losses = F.cross_entropy(
            scores, target, ignore_index=self.ignored, reduction="none", label_smoothing=self.smoothing
        )
        # The limit is on the number only, the gradient goes on beyond it.
        limited = with_gradient_of(losses.clamp(max=_LARGEST_LOSS), losses)
        loss = limited.sum() / normaliser(self.mode, target, self.ignored, prod(x.shape[:axis]))
        return (loss, x.detach().softmax(axis)) if self.with_softmax else loss
