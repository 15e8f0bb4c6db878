"""Interp."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape, show_shape
from netspec.layers.registry import layer

_PARAM = "interp_param"


@layer("Interp", bottoms=1, tops=1, origin="other fork")
class Interp(Layer):
    """Resizes planes bilinearly, corner pixels onto corner pixels.

    First pad_beg and pad_end, which are not positive, cut that many rows and columns off the near and the far
    sides. The size of what is left then becomes (size - 1) / shrink_factor + 1, or
    (size - 1) * zoom_factor + 1, or height and width; with both factors and no height, it is shrunk, then
    zoomed. From the forks of DeepLab and PSPNet.
    """

    def setup(self, x: Shape) -> None:
        param = self.spec.interp_param
        if len(x) != 4:
            raise self.shape_error("the bottom must be NxCxHxW", "bottom", 0)
        for name in ("pad_beg", "pad_end"):
            if getattr(param, name) > 0:
                raise self.error(f"{name} only crops: it must not be positive", _PARAM, name)
        self.begin, self.end = -param.pad_beg, -param.pad_end
        h, w = (size - self.begin - self.end for size in x[2:])
        if min(h, w) < 1:
            raise self.shape_error(f"pad_beg and pad_end leave {show_shape((h, w))}", _PARAM)
        self.size = self._size(h, w)

    def _size(self, h: int, w: int) -> tuple[int, int]:
        param = self.spec.interp_param
        shrinks, zooms = param.HasField("shrink_factor"), param.HasField("zoom_factor")
        sized = param.HasField("height") and param.HasField("width")
        if not (shrinks or zooms or sized):
            raise self.error("takes height and width, zoom_factor or shrink_factor", _PARAM)
        if sized and shrinks == zooms:
            self._positive("height", "width")
            return param.height, param.width
        self._positive("shrink_factor", "zoom_factor")
        return self._scaled(h), self._scaled(w)

    def _scaled(self, size: int) -> int:
        param = self.spec.interp_param
        return (size - 1) // param.shrink_factor * param.zoom_factor + 1

    def _positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self.spec.interp_param, name)
            if value < 1:
                raise self.error(f"{name} must be at least 1, not {value}", _PARAM, name)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[2:]
        inside = x[:, :, self.begin : h - self.end, self.begin : w - self.end]
        if inside.shape[2:] == self.size:
            return inside
        return F.interpolate(inside, self.size, mode="bilinear", align_corners=True)
