"""Scale and Bias."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import ChannelMap, Layer, Shape, show_shape
from netspec.layers.registry import layer
from netspec.schema.messages import FillerParameter


class _Spread(Layer):
    """Applies something that lines up with some of a bottom's axes and is constant over the rest."""

    first: int

    def operand_shape(self, field: str, x: Shape, *operand: Shape) -> Shape:
        """The shape of what is applied: of the second bottom where there is one, else of a blob to learn.

        Raises:
            ShapeError: the bottom's axes from ``axis`` on are not such.
        """
        param = getattr(self.spec, field)
        scalar = operand == ((),)
        self.first = 0 if scalar else self.axis(param.axis, len(x), field, "axis")
        if operand:
            (shape,) = operand
            met = x[self.first : self.first + len(shape)]
            if met != shape:
                rule = f"the second bottom must have the first one's axes from {self.first} on"
                raise self.shape_error(f"{rule}: {show_shape(met)}, not {show_shape(shape)}", "bottom", 1)
            return shape
        count = param.num_axes if param.num_axes != -1 else len(x) - self.first
        if not 0 <= count <= len(x) - self.first:
            rule = f"num_axes {param.num_axes} from axis {self.first} on do not fit {len(x)} axes"
            raise self.shape_error(rule, field, "num_axes", help="-1 stands for all axes from axis on")
        return x[self.first : self.first + count]

    def spread(self, operand: Tensor, x: Tensor) -> Tensor:
        """What is applied, with axes of length 1 behind its own, so that it broadcasts over ``x``."""
        behind = x.ndim - self.first - operand.ndim if operand.ndim else 0
        return operand.reshape((*operand.shape, *[1] * behind))


@layer("Scale", bottoms=(1, 2), tops=1)
class Scale(_Spread):
    """Multiplies by a factor that is constant over some axes, and maybe adds such a term: y = w * x + b.

    The factor is the second bottom or, with one bottom, a learned blob (ones unless filled otherwise) over
    num_axes axes. Its first axis is the bottom's axis ``axis``. Blobs: weight, with one bottom; bias of the
    factor's shape, with bias_term.
    """

    weight: Tensor
    bias: Tensor

    def setup(self, x: Shape, *factor: Shape) -> None:
        param = self.spec.scale_param
        shape = self.operand_shape("scale_param", x, *factor)
        if not factor:
            filler = param.filler if param.HasField("filler") else FillerParameter(type="constant", value=1)
            self.add_blob(shape, filler, name="weight")
        self.with_bias = param.bias_term
        if self.with_bias:
            self.add_blob(shape, param.bias_filler, name="bias")

    def channel_map(self) -> ChannelMap | None:
        if len(self.bottom_shapes) > 1 or self.first != 1 or self.weight.ndim != 1:
            return None
        return self.weight, self.bias if self.with_bias else None

    def forward(self, x: Tensor, *factor: Tensor) -> Tensor:
        w = self.spread(factor[0] if factor else self.weight, x)
        return torch.addcmul(self.spread(self.bias, x), w, x) if self.with_bias else w * x


@layer("Bias", bottoms=(1, 2), tops=1)
class Bias(_Spread):
    """Adds a term that is constant over some axes: y = x + b.

    The term is the second bottom or, with one bottom, the learned blob bias (zeros unless filled otherwise)
    over num_axes axes. Its first axis is the bottom's axis ``axis``.
    """

    bias: Tensor

    def setup(self, x: Shape, *term: Shape) -> None:
        shape = self.operand_shape("bias_param", x, *term)
        if not term:
            self.add_blob(shape, self.spec.bias_param.filler, name="bias")

    def forward(self, x: Tensor, *term: Tensor) -> Tensor:
        return x + self.spread(term[0] if term else self.bias, x)
