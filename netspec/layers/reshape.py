"""Reshape."""

from __future__ import annotations

from math import prod

from torch import Tensor

from netspec.layers.base import Layer, Shape, show_shape
from netspec.layers.registry import layer


@layer("Reshape", bottoms=1, tops=1)
class Reshape(Layer):
    """Gives num_axes axes from axis on new lengths: 0 keeps the bottom's, -1 (once) is what is left over."""

    def setup(self, x: Shape) -> None:
        param = self.spec.reshape_param
        self.dims = list(param.shape.dim)
        # One more than the last axis is allowed: new axes at the end.
        if not -len(x) - 1 <= param.axis <= len(x):
            rule = f"there is no axis {param.axis} of a blob with {len(x)} axes"
            raise self.shape_error(rule, "reshape_param", "axis")
        self.start = param.axis % (len(x) + 1)
        end = len(x) if param.num_axes == -1 else self.start + param.num_axes
        if not self.start <= end <= len(x):
            rule = f"num_axes {param.num_axes} from axis {self.start} on do not fit {len(x)} axes"
            raise self.shape_error(rule, "reshape_param", "num_axes")
        self.kept = len(x) - end
        self._check(x, end)

    def _check(self, x: Shape, end: int) -> None:
        where = ("reshape_param", "shape")
        if self.dims.count(-1) > 1 or min(self.dims, default=0) < -1:
            raise self.error("a dim is a length, 0 to keep the bottom's, or, once, -1", *where)
        if any(dim == 0 and self.start + index >= len(x) for index, dim in enumerate(self.dims)):
            raise self.shape_error("a dim of 0 keeps an axis that the bottom does not have", *where)
        old, new = x[self.start : end], self._lengths(x)
        known = prod(dim for dim in new if dim != -1)
        if prod(old) != known if -1 not in new else known == 0 or prod(old) % known:
            rule = f"{show_shape(old)} ({prod(old)} elements) does not reshape to {show_shape(new)}"
            raise self.shape_error(rule, *where)

    def _lengths(self, x: Shape) -> Shape:
        return tuple(x[self.start + index] if dim == 0 else dim for index, dim in enumerate(self.dims))

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape((*x.shape[: self.start], *self._lengths(x.shape), *x.shape[x.ndim - self.kept :]))
