"""LRN."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer
from netspec.schema.messages import LRNParameter

_PARAM = "lrn_param"
_LARGEST = 2**31 - 1


@layer("LRN", bottoms=1, tops=1)
class LRN(Layer):
    """Local response normalisation: x / (k + alpha * mean of squares nearby)^beta.

    Nearby are local_size channels around an element, at its place (ACROSS_CHANNELS), or local_size x
    local_size places around it, in its channel (WITHIN_CHANNEL, where k is 1 whatever the text says, as in
    Caffe). What lies outside the bottom counts as zeros. Krizhevsky et al., "ImageNet classification with
    deep convolutional neural networks", 2012.
    """

    def setup(self, x: Shape) -> None:
        param = self.spec.lrn_param
        if len(x) != 4:
            raise self.shape_error("the bottom must be NxCxHxW", "bottom", 0)
        self.size = param.local_size
        if self.size % 2 == 0:
            raise self.error(f"local_size must be odd, not {self.size}", _PARAM, "local_size")
        if self.size > _LARGEST:
            raise self.error(f"local_size must be at most {_LARGEST}, not {self.size}", _PARAM, "local_size")
        self.within = param.norm_region == LRNParameter.WITHIN_CHANNEL
        self.alpha, self.beta = param.alpha, param.beta
        self.k = 1.0 if self.within else param.k

    def forward(self, x: Tensor) -> Tensor:
        pad, squares = self.size // 2, x.square()
        if self.within:
            mean = F.avg_pool2d(squares, self.size, 1, pad)
        else:
            # Channels as rows, places as columns.
            mean = F.avg_pool2d(squares.flatten(2), (self.size, 1), 1, (pad, 0)).view_as(x)
        return x * _inverse_power(self.k + self.alpha * mean, self.beta)


def _inverse_power(base: Tensor, exponent: float) -> Tensor:
    if exponent == 0.75:  # nearly every net's, and roots take half the time of a power
        root = base.rsqrt()
        return root * root.sqrt()
    return base.pow(-exponent)
