"""Crop."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_PARAM = "crop_param"


@layer("Crop", bottoms=2, tops=1)
class Crop(Layer):
    """Cuts the first bottom to the second one's sizes, from axis on.

    offset says where the piece starts: one for all of these axes, or one for each; 0 if not given. The axes
    before axis, and so the batch, stay whole. No gradient goes to the second bottom.
    """

    def setup(self, x: Shape, reference: Shape) -> None:
        param = self.spec.crop_param
        self.first_axis = self.axis(param.axis, len(x), _PARAM, "axis")
        if len(reference) != len(x):
            raise self.shape_error("both bottoms must have as many axes", "bottom", 1)
        count, offsets = len(x) - self.first_axis, list(param.offset) or [0]
        if len(offsets) not in (1, count):
            message = f"expected one offset, or {count} (one per axis from axis {self.first_axis} on)"
            raise self.error(f"{message}, found {len(offsets)}", _PARAM, "offset")
        self.offsets = offsets if len(offsets) == count else offsets * count
        for index, offset in enumerate(self.offsets):
            axis = self.first_axis + index
            if offset + reference[axis] > x[axis]:
                rule = f"axis {axis} has {x[axis]} elements, too few for {reference[axis]} from {offset} on"
                raise self.shape_error(rule, _PARAM, "offset", min(index, len(offsets) - 1))

    def forward(self, x: Tensor, reference: Tensor) -> Tensor:
        for axis, offset in enumerate(self.offsets, self.first_axis):
            x = x.narrow(axis, offset, reference.shape[axis])
        return x
