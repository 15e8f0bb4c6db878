"""STLoss."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer
from netspec.layers.sampling import Plane, positions


@layer("STLoss", bottoms=1, tops=1, origin="STN fork", loss=True)
class STLoss(Layer):
    """Penalises a theta (N, 6) that points out of the image: the mean of max(|p| - 1, 0)^2 / 2.

    p are the two coordinates at which a transformer with an output of output_H x output_W samples, in the
    image from -1 to 1. They are added, then the mean is taken over items and pixels.
    """

    def setup(self, theta: Shape) -> None:
        if len(theta) < 2 or prod(theta[1:]) != 6:
            raise self.shape_error("theta must be Nx6", "bottom", 0)
        param = self.spec.st_loss_param
        self.out_size = param.output_H, param.output_W
        for field in ("output_H", "output_W"):
            if getattr(param, field) < 1:
                raise self.error(f"{field} must be given and at least 1", "st_loss_param", field)

    def forward(self, theta: Tensor) -> Tensor:
        maps = theta.reshape(-1, 2, 3).to(torch.promote_types(theta.dtype, torch.float32))
        rows, columns = (Plane().coordinates(size, maps) for size in self.out_size)
        outside = (positions(maps, rows, columns).abs() - 1).relu()
        return outside.square().sum(-1).mean() / 2
