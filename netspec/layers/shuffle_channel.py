"""ShuffleChannel."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("ShuffleChannel", bottoms=1, tops=1, origin="other fork")
class ShuffleChannel(Layer):
    """Interleaves groups of channels: the first of each group, then the second of each, and so on.

    Zhang et al., "ShuffleNet: an extremely efficient convolutional neural network for mobile devices", 2018.
    """

    def setup(self, x: Shape) -> None:
        self.groups = self.spec.shuffle_channel_param.group
        if self.groups < 1:
            raise self.error("group must be at least 1", "shuffle_channel_param", "group")
        if len(x) < 2 or x[1] % self.groups:
            rule = f"the channels, axis 1, must divide into {self.groups} equal groups"
            raise self.shape_error(rule, "shuffle_channel_param", "group")

    def forward(self, x: Tensor) -> Tensor:
        items, channels, *plane = x.shape
        grouped = x.reshape(items, self.groups, channels // self.groups, *plane)
        return grouped.transpose(1, 2).flatten(1, 2)
