"""LRN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
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

    exact = True

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
        if self.within:
            mean = F.avg_pool2d(x.square(), self.size, 1, self.size // 2)
            return x * _inverse_power(self.k + self.alpha * mean, self.beta)
        settings = self.size, self.alpha, self.beta, self.k
        if torch.is_grad_enabled() and x.requires_grad:
            top: Tensor = _AcrossChannels.apply(x, *settings)  # type: ignore[no-untyped-call]
            return top
        return x * _across_channels(x, *settings)[1]


class _AcrossChannels(torch.autograd.Function):
    """The gradient, too, takes one sum over neighbours; PyTorch would differentiate the sum term by term.

    With s = k + alpha * mean, f = s^-beta and g the gradient of the top, the bottom's is
    g f - (2 alpha beta / n) x S(g f x / s), where S sums n neighbouring channels.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        base, factor = _across_channels(x, size, alpha, beta, k)
        ctx.save_for_backward(x, base, factor)
        ctx.size, ctx.slope = size, 2 * alpha * beta / size
        return x * factor

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator, unused-ignore]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, base, factor = ctx.saved_tensors
        direct = gradient * factor
        nearby = _sum_of_neighbours((direct * x).div_(base), ctx.size)
        return direct.addcmul_(x, nearby, value=-ctx.slope), None, None, None, None


def _across_channels(x: Tensor, size: int, alpha: float, beta: float, k: float) -> tuple[Tensor, Tensor]:
    """k + alpha * mean of squares, and its power of -beta."""
    base = _sum_of_neighbours(x.square(), size).mul_(alpha / size).add_(k)
    return base, _inverse_power(base, beta)


def _sum_of_neighbours(x: Tensor, size: int) -> Tensor:
    """For each channel the sum of the ``size`` channels around it."""
    total = x.clone()
    for step in range(1, min(size // 2, x.shape[1] - 1) + 1):
        total[:, step:] += x[:, :-step]
        total[:, :-step] += x[:, step:]
    return total


def _inverse_power(base: Tensor, exponent: float) -> Tensor:
    if exponent == 0.75:  # nearly every net's, and roots take half the time of a power
        root = base.rsqrt()
        return root * root.sqrt()
    return base.pow(-exponent)
