"""Deconvolution."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Shape, show_shape
from netspec.layers.convolution import Convolving
from netspec.layers.registry import layer

_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@layer("Deconvolution", bottoms=(1, None), tops="bottoms")
class Deconvolution(Convolving):
    """Transposed convolution over one to three spatial axes: a convolution's gradient as a forward pass.

    Blobs: weight (C, num_output / group, *kernel); bias (num_output). Each spatial axis of the top has
    stride (size - 1) + dilation (kernel - 1) + 1 - 2 pad elements.
    """

    def setup(self, *shapes: Shape) -> None:
        super().setup(*shapes)
        channels, *sizes = shapes[0][self.channel_axis :]
        axes = zip(sizes, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        top = [s * (size - 1) + d * (k - 1) + 1 - 2 * pad for size, k, s, pad, d in axes]
        if min(top) < 1:
            rule = f"pad leaves nothing of the top: its spatial shape would be {show_shape(top)}"
            raise self.shape_error(rule, "convolution_param", "pad")
        self.add_weight_and_bias((channels, self.num_output // self.group, *self.kernel))

    def transform(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        function = _TRANSPOSED[self.num_spatial]
        return function(x, weight, bias, self.stride, self.padding, 0, self.group, self.dilation)

    def scaled_weight(self, factor: Tensor) -> Tensor:
        # The channels of the top are axis 1, each group's on their own.
        kernel = self.weight.shape[2:]
        weight = self.weight.reshape(self.group, -1, *self.weight.shape[1:])
        return (weight * factor.view(self.group, 1, -1, *[1] * len(kernel))).flatten(0, 1)
