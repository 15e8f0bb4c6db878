"""ArgMax."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("ArgMax", bottoms=1, tops=1, labels=(0,))
class ArgMax(Layer):
    """The indices of the top_k largest elements, the largest first; among equals the last one leads.

    With ``axis``: along that axis, which becomes top_k long; out_max_val gives the elements in place of their
    indices. Without: over all of an item, as a top (N, 1, top_k), with ones behind where the bottom has more
    than three axes; out_max_val gives both, (N, 2, top_k). Has no gradient.
    """

    def setup(self, x: Shape) -> None:
        param = self.spec.argmax_param
        self.along = None
        if param.HasField("axis"):
            self.along = self.axis(param.axis, len(x), "argmax_param", "axis")
        elif not x:
            raise self.shape_error("the bottom must have an axis of items", "bottom", 0)
        self.top_k, self.with_values = param.top_k, param.out_max_val
        size = prod(x[1:]) if self.along is None else x[self.along]
        if not 1 <= self.top_k <= size:
            where = "an item" if self.along is None else f"axis {self.along}"
            rule = f"top_k must be at least 1 and at most {size}, the size of {where}, not {self.top_k}"
            raise self.shape_error(rule, "argmax_param", "top_k")

    def forward(self, x: Tensor) -> Tensor:
        if self.along is not None:
            values, index = self._largest(x, self.along)
            return values if self.with_values else index
        values, index = self._largest(x.reshape(x.shape[0], prod(x.shape[1:])), 1)
        both = torch.stack((index, values) if self.with_values else (index,), 1)
        return both.reshape(*both.shape, *[1] * (x.ndim - both.ndim))

    def _largest(self, x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        # Turned round, the last among equals is the first, which a stable order keeps in front.
        turned = x.detach().flip(axis)
        if self.top_k == 1:
            values, index = turned.max(axis, keepdim=True)
        else:
            ordered = turned.sort(dim=axis, descending=True, stable=True)
            values, index = (part.narrow(axis, 0, self.top_k) for part in ordered)
        # Half precision counts to 2048 (bfloat16 to 256) only.
        wide = torch.promote_types(x.dtype, torch.float32)
        return values, (x.shape[axis] - 1 - index).to(wide)
