"""Eltwise."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer
from netspec.schema.messages import EltwiseParameter


@layer("Eltwise", bottoms=(2, None), tops=1)
class Eltwise(Layer):
    """Combines bottoms of equal shape element by element: product, sum with coefficients, or maximum.

    The gradient of a product is always that of the other bottoms' product, which is right at zeros too:
    stable_prod_grad, a choice between two ways to compute the same, has no effect.
    """

    def setup(self, *shapes: Shape) -> None:
        param = self.spec.eltwise_param
        self.operation, self.coeff = param.operation, list(param.coeff)
        if self.coeff and self.operation == EltwiseParameter.PROD:  # beside MAX, Caffe passes over it
            raise self.error("coeff goes with operation SUM only", "eltwise_param", "coeff")
        if self.coeff and len(self.coeff) != len(shapes):
            message = f"expected one coeff per bottom ({len(shapes)}), found {len(self.coeff)}"
            raise self.error(message, "eltwise_param", "coeff")
        for index, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise self.shape_error("all bottoms must have the same shape", "bottom", index)

    @property
    def is_plain_sum(self) -> bool:
        """Whether the top is the sum of the bottoms as they are."""
        return self.operation == EltwiseParameter.SUM and all(c == 1 for c in self.coeff)

    def forward(self, *bottoms: Tensor) -> Tensor:
        if self.operation == EltwiseParameter.PROD:
            return reduce(torch.mul, bottoms)
        if self.operation == EltwiseParameter.MAX:
            return _maximum(bottoms)
        if self.coeff:
            bottoms = tuple(x if c == 1 else x * c for c, x in zip(self.coeff, bottoms, strict=True))
        return reduce(torch.add, bottoms)


def _maximum(bottoms: tuple[Tensor, ...]) -> Tensor:
    # torch.maximum halves the gradient among equals; in Caffe one bottom takes all of it: the second of the
    # first two, the earlier one after that.
    first, second, *rest = bottoms
    y = torch.where(first > second, first, second)
    for x in rest:
        y = torch.where(x > y, x, y)
    return y
