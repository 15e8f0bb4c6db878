"""Repeat."""

from __future__ import annotations

from math import prod

import torch
from torch import Generator, Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Repeat", bottoms=1, tops=1, origin="STN fork")
class Repeat(Layer):
    """Gives its bottom num_repeats times along a new axis: (N, ...) becomes (N, num_repeats, ...) for axis 1.

    The forks multiply by a matrix: num_repeats identities, one above the other, (num_repeats * K, K) with K
    elements from axis on. It is a blob here, too, so that their files of weights fit; nothing is learned.
    """

    weight: Tensor

    def setup(self, x: Shape) -> None:
        param = self.spec.repeat_param
        self.before = self.axis(param.axis, len(x), "repeat_param", "axis")
        self.repeats = param.num_repeats
        if self.repeats < 1:
            raise self.error("num_repeats must be given and at least 1", "repeat_param", "num_repeats")
        size = prod(x[self.before :])
        self.add_blob((self.repeats * size, size), learnable=False)

    def materialize(self, device: torch.device, generator: Generator) -> None:
        empty = self.weight.is_meta
        super().materialize(device, generator)
        if empty:
            with torch.no_grad():
                self.weight.copy_(torch.eye(self.weight.shape[1]).repeat(self.repeats, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x] * self.repeats, self.before)
