"""LogSoftmax."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("LogSoftmax", bottoms=1, tops=1, origin="own")
class LogSoftmax(Layer):
    """The logarithm of Softmax, without its rounding: y_k = x_k - log sum_j exp(x_j).

    The axis is softmax_param's. Torch and PyTorch put it in front of a negative log-likelihood; in Caffe's
    terms both together are SoftmaxWithLoss.
    """

    def setup(self, x: Shape) -> None:
        self.along = self.axis(self.spec.softmax_param.axis, len(x), "softmax_param", "axis")

    def forward(self, x: Tensor) -> Tensor:
        return x.log_softmax(self.along)
