"""Axpy."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Axpy", bottoms=3, tops=1, origin="other fork")
class Axpy(Layer):
    """Scales channels and adds, for bottoms scale, x, y: scale * x + y.

    Bottoms: scale (N, C) or (N, C, 1, 1); x and y (N, C, ...), of one shape, which is the top's. From the
    networks of Hu et al., "Squeeze-and-excitation networks", 2018.
    """

    def setup(self, scale: Shape, x: Shape, y: Shape) -> None:
        if len(x) < 2:
            raise self.shape_error("the second bottom must be NxC or have more axes", "bottom", 1)
        if scale[:2] != x[:2] or prod(scale[2:]) != 1:
            rule = "the first bottom must have one number per item and channel of the second: NxC, or NxCx1x1"
            raise self.shape_error(rule, "bottom", 0)
        if y != x:
            raise self.shape_error("the third bottom must have the second one's shape", "bottom", 2)

    def forward(self, scale: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return torch.addcmul(y, scale.reshape(*x.shape[:2], *[1] * (x.ndim - 2)), x)
