"""PowerFile."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.fillers import read_numbers
from netspec.layers.registry import layer
from netspec.text.paths import candidates

_FIELD = ("power_file_param", "shift_file")


@layer("PowerFile", bottoms=1, tops=1, origin="STN fork")
class PowerFile(Layer):
    """Adds constants from a file, the same to each item: y = x + shift.

    shift_file holds numbers separated by white space, one per element of an item. Where they end early, and
    where there is no such file, the rest of the shift is zero.
    """

    shift: Tensor

    def setup(self, x: Shape) -> None:
        if not x:
            raise self.shape_error("the bottom must have an axis of items", "bottom", 0)
        shift = torch.zeros(prod(x[1:]))
        numbers = self._numbers()[: len(shift)]
        shift[: len(numbers)] = torch.tensor(numbers)
        self.register_buffer("shift", shift.reshape(x[1:]), persistent=False)

    def _numbers(self) -> list[float]:
        name = self.spec.power_file_param.shift_file
        places = candidates(name, self.span(*_FIELD)) if name else []
        path = next((place for place in places if place.is_file()), None)
        return read_numbers(path, "shift_file") if path else []

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift.to(x.dtype)
