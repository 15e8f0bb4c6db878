"""Normalize."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer
from netspec.schema.messages import FillerParameter


class _NormalizeByChannel(torch.autograd.Function):
    """scale * x / norm with a scale per channel, and the gradient of the fork.

    The fork's gradient multiplies with the scale last of all, after the projection onto the sphere, which is
    the derivative only where all channels have the same scale. Weights trained there are trained so.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
        inverse = _inverse_norm(x, axes, eps)
        ctx.save_for_backward(x, scale, inverse)
        ctx.axes = axes
        return x * (inverse * scale)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (grad,) = grads
        x, scale, inverse = ctx.saved_tensors
        unit = x * inverse
        along = grad * unit
        to_x = (grad - unit * along.sum(ctx.axes, keepdim=True)) * (inverse * scale)
        return to_x, along.sum_to_size(scale.shape), None, None


def _inverse_norm(x: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    return (x.square().sum(axes, keepdim=True) + eps).rsqrt()


@layer("Normalize", bottoms=1, tops=1, origin="other fork")
class Normalize(Layer):
    """Divides by the L2 norm and multiplies with a learned scale: scale * x / sqrt(sum of squares + eps).

    The sum runs over all of an item; without across_spatial over the channels at each place. Blob: the scale,
    a scalar, or with channel_shared false one per channel (C); 1 without scale_filler. From the SSD fork; Liu
    et al., "ParseNet", 2015.
    """

    exact = True

    scale: Tensor

    def setup(self, x: Shape) -> None:
        param = self.spec.norm_param
        if len(x) < 2:
            raise self.shape_error("the bottom must have channels, on axis 1", "bottom", 0)
        self.axes = tuple(range(1, len(x))) if param.across_spatial else (1,)
        self.eps, self.channel_shared = param.eps, param.channel_shared
        filler = param.scale_filler if param.HasField("scale_filler") else FillerParameter(value=1)
        self.add_blob(() if self.channel_shared else (x[1],), filler, name="scale")

    def forward(self, x: Tensor) -> Tensor:
        if self.channel_shared:
            return x * (_inverse_norm(x, self.axes, self.eps) * self.scale)
        scale = self.scale.view(1, -1, *(1,) * (x.ndim - 2))
        y: Tensor = _NormalizeByChannel.apply(x, scale, self.axes, self.eps)  # type: ignore[no-untyped-call]
        return y
