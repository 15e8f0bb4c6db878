"""Upsample."""

from __future__ import annotations

from math import prod

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_PARAM = "upsample_param"


@layer("Upsample", bottoms=(1, 2), tops=1, origin="other fork")
class Upsample(Layer):
    """Undoes a max pooling: puts each element where its mask says that it came from, zeros elsewhere.

    The second bottom is the mask, Pooling's second top. The top is upsample_h x upsample_w, or scale times
    the bottom's height and width (scale_h, scale_w), less one row with pad_out_h, one column with pad_out_w.
    From SegNet's fork; Badrinarayanan et al., "SegNet", 2015. Without a mask, as in the forks that run YOLO,
    each element is repeated over scale_h x scale_w places.
    """

    def setup(self, x: Shape, mask: Shape | None = None) -> None:
        if len(x) != 4:
            raise self.shape_error("the bottom must be NxCxHxW", "bottom", 0)
        if mask is not None and mask != x:
            raise self.shape_error("the mask must have the shape of the first bottom", "bottom", 1)
        self.scale = self._scale()
        self.size = self._size(x)

    def _scale(self) -> tuple[int, int]:
        h, w = self._pair("scale_h", "scale_w") or (self.spec.upsample_param.scale,) * 2
        if min(h, w) < 1:
            raise self.error("scale must be at least 1", _PARAM, "scale")
        return h, w

    def _size(self, x: Shape) -> tuple[int, int]:
        param = self.spec.upsample_param
        given = self._pair("upsample_h", "upsample_w")
        if len(self.bottom_shapes) == 1:
            for name in ("upsample_h", "pad_out_h", "pad_out_w"):
                if param.HasField(name):
                    raise self.error(f"{name} goes with a mask, the second bottom", _PARAM, name)
        if given is not None:
            return given
        for name, scale in (("pad_out_h", self.scale[0]), ("pad_out_w", self.scale[1])):
            if getattr(param, name) and scale != 2:
                help = "give upsample_h and upsample_w"
                raise self.error(f"{name} goes with a scale of 2, not {scale}", _PARAM, name, help=help)
        return x[2] * self.scale[0] - param.pad_out_h, x[3] * self.scale[1] - param.pad_out_w

    def _pair(self, *names: str) -> tuple[int, int] | None:
        param = self.spec.upsample_param
        given = [name for name in names if param.HasField(name)]
        if len(given) == 1:
            raise self.error(f"{' and '.join(names)} go together", _PARAM, given[0])
        h, w = (getattr(param, name) for name in names)
        if given and min(h, w) < 1:
            raise self.error(f"{' and '.join(names)} must be at least 1", _PARAM, given[0])
        return (h, w) if given else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return F.interpolate(x, self.size, mode="nearest")
        top = x.new_zeros(*x.shape[:2], prod(self.size))
        return top.scatter(2, mask.flatten(2).long(), x.flatten(2)).view(*x.shape[:2], *self.size)
