"""Coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Coordinates", bottoms=1, tops=1, origin="own")
class Coordinates(Layer):
    """Appends each pixel's place to its channels: (N, C, H, W) becomes (N, C + 2, H, W).

    The first new channel runs from -1 to 1 over the rows, the second over the columns, ends included; with
    with_radius a third is their distance from the middle. A convolution behind it is a CoordConv. Liu et al.,
    "An intriguing failing of convolutional neural networks and the CoordConv solution", 2018.
    """

    def setup(self, x: Shape) -> None:
        if len(x) != 4:
            raise self.shape_error("the bottom must be NxCxHxW", "bottom", 0)
        self.with_radius = self.spec.coordinates_param.with_radius

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        rows, columns = (
            torch.linspace(-1, 1, size, dtype=x.dtype, device=x.device) for size in (height, width)
        )
        added = [rows[:, None].expand(height, width), columns.expand(height, width)]
        if self.with_radius:
            added.append(torch.hypot(rows[:, None], columns))
        return torch.cat([x, torch.stack(added).expand(len(x), -1, -1, -1)], 1)
