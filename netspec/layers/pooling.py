"""Pooling."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape, show_shape
from netspec.layers.registry import layer
from netspec.schema.messages import PoolingParameter

_PARAM = "pooling_param"
_FLOAT32 = torch.finfo(torch.float32)
_WINDOW = ("kernel_size", "kernel_h", "kernel_w", "stride", "stride_h", "stride_w", "pad", "pad_h", "pad_w")

_LARGEST = 2**31 - 1  # PyTorch counts windows in 32 bits

Pair = tuple[int, int]


@layer("Pooling", bottoms=1, tops=(1, 2))
class Pooling(Layer):
    """Maximum, average or stochastic choice over windows; MAX has a second top: where each maximum stood.

    An axis of the top has ceil((size + 2 pad - kernel) / stride) + 1 elements (floor with round_mode FLOOR or
    torch_pooling); with padding, a last window that starts behind the bottom and its left padding is dropped.
    AVE divides by the part of the window inside the padded bottom. STOCHASTIC draws an element with
    probability proportional to its value, and in TEST takes the expectation: Zeiler & Fergus, "Stochastic
    pooling", 2013. The mask holds indices into the bottom's plane of H * W elements, -1
    for a window without input.
    """

    def setup(self, x: Shape) -> None:
        param = self.spec.pooling_param
        if len(x) != 4:
            raise self.shape_error("the bottom must be NxCxHxW", "bottom", 0)
        self.method = param.pool
        self.ceil = param.round_mode == PoolingParameter.CEIL and not param.torch_pooling
        self.whole_plane, self.with_mask = param.global_pooling, self.num_tops == 2
        if self.with_mask and self.method != PoolingParameter.MAX:
            raise self.error("only pool MAX has a second top, the mask", "top", 1)
        self._read_window()
        if min(self._out_size(x[2:], self.window(x[2:]))) < 1:
            padded = [size + 2 * pad for size, pad in zip(x[2:], self.padding, strict=True)]
            rule = f"kernel {show_shape(self.kernel)} is larger than the padded bottom, {show_shape(padded)}"
            raise self.shape_error(rule, _PARAM, "kernel_size")

    def _read_window(self) -> None:
        param = self.spec.pooling_param
        if self.whole_plane:
            for name in filter(param.HasField, _WINDOW):
                if getattr(param, name) != name.startswith(
                    "stride"
                ):  # a stride of 1 and a pad of 0 may be named
                    raise self.error(f"global_pooling leaves no choice of {name}", _PARAM, name)
        self.kernel, self.stride = self._pair("kernel_size"), self._pair("stride")
        self.padding = self._pair("pad")
        if min(self.stride) < 1:
            raise self.error("stride must be at least 1", _PARAM, "stride")
        if self.whole_plane:
            return
        if min(self.kernel) < 1:
            raise self.error("kernel_size must be given and at least 1", _PARAM, "kernel_size")
        if any(pad >= kernel for pad, kernel in zip(self.padding, self.kernel, strict=True)):
            raise self.error("pad must be smaller than kernel_size", _PARAM, "pad")
        if any(self.padding) and self.method == PoolingParameter.STOCHASTIC:
            raise self.error("pool STOCHASTIC takes no pad", _PARAM, "pad")

    def _pair(self, field: str) -> Pair:
        """A setting along height and width: given for both, or in the _h and _w spelling."""
        param = self.spec.pooling_param
        names = [field.removesuffix("_size") + suffix for suffix in ("_h", "_w")]
        given = [name for name in names if param.HasField(name)]
        if given and (param.HasField(field) or len(given) == 1):
            raise self.error(f"takes either {field}, or {names[0]} and {names[1]}", _PARAM, given[0])
        h, w = (getattr(param, name) for name in (names if given else [field, field]))
        if max(h, w) > _LARGEST:
            raise self.error(
                f"{field} must be at most {_LARGEST}, not {max(h, w)}", _PARAM, (given or [field])[0]
            )
        return h, w

    def window(self, plane: Shape) -> Pair:
        """Height and width of the windows on a plane of this shape."""
        return (plane[0], plane[1]) if self.whole_plane else self.kernel

    def _out_size(self, plane: Shape, kernel: Pair) -> list[int]:
        sizes = []
        for size, k, stride, pad in zip(plane, kernel, self.stride, self.padding, strict=True):
            count = (size + 2 * pad - k + (stride - 1 if self.ceil else 0)) // stride + 1
            clip = any(self.padding) and (count - 1) * stride >= size + pad
            sizes.append(count - 1 if clip else count)
        return sizes

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        kernel = self.window(x.shape[2:])
        if self.method == PoolingParameter.STOCHASTIC:
            return self._stochastic(x, kernel)
        if self.method == PoolingParameter.AVE:
            return self._average(x, kernel)
        return self._maximum(x, kernel)

    @property
    def picks_largest(self) -> bool:
        """Whether the top is the largest elements of windows, none of them without input, and nothing else,
        whatever the shape of the plane."""
        if self.method != PoolingParameter.MAX or self.with_mask:
            return False
        windows = zip(self.kernel, self.stride, self.padding, strict=True)
        padded = any(self.padding)
        return self.whole_plane or all(2 * pad <= k and (padded or step <= k) for k, step, pad in windows)

    def _as_torch_does(self, plane: Shape, kernel: Pair) -> bool:
        """Whether torch pools this way: it takes no larger padding and drops all windows without input."""
        out = self._out_size(plane, kernel)
        return all(
            2 * pad <= k and (count - 1) * stride < size + pad
            for size, k, stride, pad, count in zip(plane, kernel, self.stride, self.padding, out, strict=True)
        )

    def _steps(self, plane: Shape) -> list[int]:
        """The strides, but none longer than it takes to leave the padded plane: a gap costs memory."""
        sizes = zip(plane, self.stride, self.padding, strict=True)
        return [min(stride, size + 2 * pad) for size, stride, pad in sizes]

    def _padded(self, x: Tensor, kernel: Pair, value: float) -> Tensor:
        """The plane with padding on both sides, cut or filled up to what the windows cover."""
        (h, w), (top, left) = x.shape[2:], self.padding
        counts, steps = self._out_size(x.shape[2:], kernel), self._steps(x.shape[2:])
        rows, columns = ((count - 1) * step + k for count, step, k in zip(counts, steps, kernel, strict=True))
        return F.pad(x, (left, columns - w - left, top, rows - h - top), value=value)

    def _maximum(self, x: Tensor, kernel: Pair) -> Tensor | tuple[Tensor, Tensor]:
        if self._as_torch_does(x.shape[2:], kernel):
            if not self.with_mask:
                return F.max_pool2d(x, kernel, self.stride, self.padding, ceil_mode=self.ceil)
            y, index = F.max_pool2d(
                x, kernel, self.stride, self.padding, ceil_mode=self.ceil, return_indices=True
            )
            return y, _as_float(index, x)
        # Caffe's maximum starts from the lowest float32, which a window without input keeps.
        padded = self._padded(x, kernel, max(_FLOAT32.min, torch.finfo(x.dtype).min))
        y, index = F.max_pool2d(padded, kernel, self._steps(x.shape[2:]), return_indices=True)
        row, column = index // padded.shape[3] - self.padding[0], index % padded.shape[3] - self.padding[1]
        if not self.with_mask:
            return y
        found = (row < x.shape[2]) & (column < x.shape[3])  # no place of the bottom in a window without input
        return y, _as_float(torch.where(found, row * x.shape[3] + column, -1), x)

    def _average(self, x: Tensor, kernel: Pair) -> Tensor:
        if self.whole_plane:
            return x.mean((2, 3), keepdim=True)
        if self._as_torch_does(x.shape[2:], kernel):
            return F.avg_pool2d(x, kernel, self.stride, self.padding, ceil_mode=self.ceil)
        padded = self._padded(x, kernel, 0)
        # Padding counts, what a last window covers beyond it does not.
        h, w = (size + 2 * pad for size, pad in zip(x.shape[2:], self.padding, strict=True))
        counted = F.pad(x.new_ones(1, 1, h, w), (0, padded.shape[3] - w, 0, padded.shape[2] - h))
        sums, counts = (
            F.avg_pool2d(plane, kernel, self._steps(x.shape[2:]), divisor_override=1)
            for plane in (padded, counted)
        )
        return sums / counts.clamp(min=1)

    def _stochastic(self, x: Tensor, kernel: Pair) -> Tensor:
        (kh, kw), (sh, sw) = kernel, self._steps(x.shape[2:])
        windows = self._padded(x, kernel, 0).unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
        if self.training:
            sums = windows.cumsum(-1)
            threshold = torch.rand_like(sums[..., -1:]) * sums[..., -1:]
            chosen = (sums < threshold).sum(-1, keepdim=True).clamp(max=kh * kw - 1)
            return windows.gather(-1, chosen).squeeze(-1)
        total = windows.sum(-1)
        expected = windows.square().sum(-1) / total.clamp(min=_FLOAT32.tiny)
        return torch.where(total > 0, expected, torch.zeros_like(total))


def _as_float(index: Tensor, x: Tensor) -> Tensor:
    # Half precision counts to 2048 (bfloat16 to 256) only.
    return index.to(torch.promote_types(x.dtype, torch.float32))
