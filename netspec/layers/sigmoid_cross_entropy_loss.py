"""SigmoidCrossEntropyLoss."""

from __future__ import annotations

from math import prod

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.losses import NO_LABEL, normaliser, normalization
from netspec.layers.registry import layer
from netspec.schema.messages import LossParameter


@layer("SigmoidCrossEntropyLoss", bottoms=2, tops=1, loss=True, labels=(1,))
class SigmoidCrossEntropyLoss(Layer):
    """Logistic loss of each element: -t log(s) - (1 - t) log(1 - s) with s = sigmoid(x), summed, normalised.

    Targets t are probabilities, as many as elements. Those whose whole part is ignore_label do not count. The
    normaliser is that of SoftmaxWithLoss, with BATCH_SIZE as the default.
    """

    def setup(self, x: Shape, target: Shape) -> None:
        if not x or prod(x) != prod(target):
            raise self.shape_error("as many targets as elements are needed", "bottom", 1)
        loss = self.spec.loss_param
        self.mode = normalization(loss, LossParameter.BATCH_SIZE)
        self.ignored = loss.ignore_label if loss.HasField("ignore_label") else NO_LABEL

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        target = target.detach().reshape(x.shape)
        whole = target.long()
        losses = F.binary_cross_entropy_with_logits(x, target.to(x.dtype), reduction="none")
        if self.ignored != NO_LABEL:
            losses = losses.masked_fill(whole == self.ignored, 0)
        return losses.sum() / normaliser(self.mode, whole, self.ignored, x.shape[0])
