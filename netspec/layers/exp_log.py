"""Exp and Log."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_E = -1  # how the text spells the base e


def _log_of_base(layer: Layer, field: str) -> float:
    base: float = getattr(layer.spec, field).base
    if base == _E:
        return 1
    if base <= 0:
        message = f"expected a base above 0, or -1 for e, found {base:g}"
        raise layer.error(message, field, "base")
    return log(base)


@layer("Exp", bottoms=1, tops=1)
class Exp(Layer):
    """Shifts, scales and raises a base to it: y = base ^ (shift + scale * x). A base of -1 means e."""

    exact = True

    def setup(self, x: Shape) -> None:
        param = self.spec.exp_param
        log_base = _log_of_base(self, "exp_param")
        self.scale, self.shift = param.scale * log_base, param.shift * log_base

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.scale == 1 else x * self.scale
        return torch.exp(y + self.shift if self.shift else y)


@layer("Log", bottoms=1, tops=1)
class Log(Layer):
    """Shifts, scales and takes the logarithm: y = log_base(shift + scale * x). A base of -1 means e."""

    exact = True

    def setup(self, x: Shape) -> None:
        param = self.spec.log_param
        self.log_base = _log_of_base(self, "log_param")
        if not self.log_base:
            raise self.error("there is no logarithm to the base 1", "log_param", "base")
        self.scale, self.shift = param.scale, param.shift

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.scale == 1 else x * self.scale
        y = torch.log(y + self.shift if self.shift else y)
        return y if self.log_base == 1 else y / self.log_base
