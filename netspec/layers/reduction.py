"""Reduction."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer
from netspec.schema.messages import ReductionParameter

_OPERATIONS: dict[int, Callable[[Tensor], Tensor]] = {
    ReductionParameter.SUM: lambda x: x.sum(-1),
    ReductionParameter.ASUM: lambda x: x.abs().sum(-1),
    ReductionParameter.SUMSQ: lambda x: x.square().sum(-1),
    ReductionParameter.MEAN: lambda x: x.mean(-1),
}


@layer("Reduction", bottoms=1, tops=1)
class Reduction(Layer):
    """Makes one number of all those from an axis on, times coeff: sum, sum of magnitudes or squares, or mean.

    The top has the axes in front of ``axis``; with axis 0 it is a scalar.
    """

    def setup(self, x: Shape) -> None:
        param = self.spec.reduction_param
        self.first = self.axis(param.axis, len(x), "reduction_param", "axis")
        self.operation, self.coeff = _OPERATIONS[param.operation], param.coeff

    def forward(self, x: Tensor) -> Tensor:
        y = self.operation(x.flatten(self.first))
        return y if self.coeff == 1 else y * self.coeff
