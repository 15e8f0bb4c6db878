"""Tile."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Tile", bottoms=1, tops=1)
class Tile(Layer):
    """Puts copies of its bottom side by side along an axis, as many as tiles says; their gradients add up."""

    def setup(self, x: Shape) -> None:
        param = self.spec.tile_param
        if param.tiles < 1:
            raise self.error("tiles must be given and at least 1", "tile_param", "tiles")
        along = self.axis(param.axis, len(x), "tile_param", "axis")
        self.copies = [param.tiles if axis == along else 1 for axis in range(len(x))]

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat(self.copies)
