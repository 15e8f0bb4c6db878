"""Convolution."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Shape, show_shape
from netspec.layers.linear import Linear
from netspec.layers.registry import layer

_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_PARAM = "convolution_param"
_PAIRS = {
    "kernel_size": ("kernel_h", "kernel_w"),
    "stride": ("stride_h", "stride_w"),
    "pad": ("pad_h", "pad_w"),
}


class Convolving(Linear):
    """What a convolution and its transpose share: the reading of ``convolution_param``.

    The axes behind ``axis`` are spatial, those before it the batch. Several bottoms, all of one shape, share
    the blobs.
    """

    def setup(self, *shapes: Shape) -> None:
        param, x = self.spec.convolution_param, shapes[0]
        for index, shape in enumerate(shapes):
            if shape != x:
                raise self.shape_error("all bottoms must have the same shape", "bottom", index)
        self.channel_axis = self.axis(param.axis, len(x), _PARAM, "axis")
        self.num_spatial = len(x) - self.channel_axis - 1
        if self.num_spatial not in _CONVOLVE:
            rule = f"expected 1 to 3 spatial axes behind axis {self.channel_axis}, found {self.num_spatial}"
            raise self.shape_error(rule, _PARAM, "axis")
        self._check_spelling()
        self.kernel = self._read("kernel_size", least=1)
        self.stride = self._read("stride", default=1, least=1)
        self.padding = self._read("pad", default=0)
        self.dilation = self._read("dilation", default=1, least=1)
        self.group, self.num_output = param.group, param.num_output
        self._check_groups(x[self.channel_axis])

    def _read(self, field: str, *, default: int | None = None, least: int = 0) -> tuple[int, ...]:
        """A setting per spatial axis: given for each, once for all, or in the _h and _w spelling."""
        values = list(getattr(self.spec.convolution_param, field)) or self._pair(field, default)
        if not values:
            raise self.error(f"{field} is missing", _PARAM)
        if min(values) < least:
            raise self.error(f"{field} must be at least {least}, found {min(values)}", _PARAM, field)
        if len(values) not in (1, self.num_spatial):
            wanted = f"expected one {field}, or {self.num_spatial} (one per spatial axis)"
            raise self.error(f"{wanted}, found {len(values)}", _PARAM, field)
        return tuple(values) if len(values) == self.num_spatial else tuple(values) * self.num_spatial

    def _pair(self, field: str, default: int | None) -> list[int]:
        """The setting in its _h and _w spelling; the default, where there is one, if neither is given."""
        param, names = self.spec.convolution_param, _PAIRS.get(field, ())
        given = {name: getattr(param, name) for name in filter(param.HasField, names)}
        if given and (self.num_spatial != 2 or (default is None and len(given) == 1)):
            message = f"{' and '.join(names)} go together, on two spatial axes"
            raise self.error(message, _PARAM, next(iter(given)))
        if default is None:
            return list(given.values())
        return [given.get(name, default) for name in names] if given else [default]

    def _check_spelling(self) -> None:
        param = self.spec.convolution_param
        for field, names in _PAIRS.items():
            for name in filter(param.HasField, names if len(getattr(param, field)) else ()):
                raise self.error(f"takes {field} or {' and '.join(names)}, not both", _PARAM, name)

    def _check_groups(self, channels: int) -> None:
        if not self.num_output:
            raise self.error("num_output must be at least 1", _PARAM, "num_output")
        if not self.group or self.num_output % self.group:
            message = f"group {self.group} does not divide num_output {self.num_output}"
            raise self.error(message, _PARAM, "group")
        if channels % self.group:
            raise self.shape_error(f"group {self.group} does not divide {channels} channels", _PARAM, "group")

    def check_window(self, x: Shape) -> None:
        """A window must find room in the padded bottom.

        Raises:
            ShapeError: it does not.
        """
        extents = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        sizes = x[self.channel_axis + 1 :]
        padded = [size + 2 * pad for size, pad in zip(sizes, self.padding, strict=True)]
        if any(extent > size for extent, size in zip(extents, padded, strict=True)):
            rule = f"kernel {show_shape(extents)} is larger than the padded bottom, {show_shape(padded)}"
            raise self.shape_error(rule, _PARAM, "kernel_size")

    def add_weight_and_bias(self, weight: Shape) -> None:
        param = self.spec.convolution_param
        self.add_blob(weight, param.weight_filler)
        if param.bias_term:
            self.add_blob((self.num_output,), param.bias_filler)
        else:
            self.register_parameter("bias", None)

    @property
    def maps_channels(self) -> bool:
        return self.channel_axis == 1 and self.num_tops == 1

    def forward(self, *bottoms: Tensor) -> Tensor | tuple[Tensor, ...]:
        tops = tuple(self._top(x) for x in bottoms)
        return tops if len(tops) > 1 else tops[0]

    def _top(self, x: Tensor) -> Tensor:
        if self.channel_axis == 1:
            return self.convolve(x)
        batch = x.shape[: self.channel_axis]
        y = self.convolve(x.reshape(-1, *x.shape[self.channel_axis :]))
        return y.reshape(*batch, *y.shape[1:])

    def convolve(self, x: Tensor) -> Tensor:
        """The top for a bottom whose batch is a single axis."""
        return self.transform(x, self.weight, self.bias)


@layer("Convolution", bottoms=(1, None), tops="bottoms")
class Convolution(Convolving):
    """Convolves over one to three spatial axes, with groups, padding, stride and dilation.

    Blobs: weight (num_output, C / group, *kernel); bias (num_output). Each spatial axis of the top has
    floor((size + 2 pad - dilation (kernel - 1) - 1) / stride) + 1 elements.
    """

    def setup(self, *shapes: Shape) -> None:
        super().setup(*shapes)
        self.check_window(shapes[0])
        channels = shapes[0][self.channel_axis]
        self.add_weight_and_bias((self.num_output, channels // self.group, *self.kernel))

    def transform(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        function = _CONVOLVE[self.num_spatial]
        return function(x, weight, bias, self.stride, self.padding, self.dilation, self.group)

    def scaled_weight(self, factor: Tensor) -> Tensor:
        return self.weight * factor.view(-1, *[1] * (self.weight.ndim - 1))
