"""``caffe.coord_map``: where a pixel of one blob lies in another, for nets written with `net_spec`.

A map is a triple (axis, scale, shift): along each axis behind ``axis``, which is that of the channels,
coordinate x of the one blob is scale * x + shift in the other. With an axis of None the map is the same
whatever the axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.pycaffe.net_spec import Function, Top, layers

__all__ = [
    "PASS_THROUGH_LAYERS",
    "AxisMismatchException",
    "UndefinedMapException",
    "compose",
    "conv_params",
    "coord_map",
    "coord_map_from_to",
    "crop",
    "crop_params",
    "inverse",
]

Numbers = NDArray[Any] | float
CoordMap = tuple[int | None, Numbers, Numbers]

PASS_THROUGH_LAYERS = [
    "AbsVal", "BatchNorm", "Bias", "BNLL", "Dropout", "Eltwise", "ELU", "Log", "LRN", "Exp", "MVN", "Power",
    "ReLU", "PReLU", "Scale", "Sigmoid", "Split", "TanH", "Threshold",
]  # fmt: skip

_IDENTITY: CoordMap = (None, 1, 0)


class UndefinedMapException(Exception):
    """A layer's tops have no coordinates of its bottoms."""


class AxisMismatchException(Exception):
    """Two maps are of different axes."""


def conv_params(fn: Function) -> tuple[int, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The axis, stride, size with dilation, and padding of the kernel of a layer that has one.

    Raises:
        AssertionError: it is given by ``kernel_h``, ``kernel_w`` and their like.
        KeyError: it has no kernel_size.
    """
    given = fn.params.get("convolution_param") or fn.params.get("pooling_param") or fn.params
    legacy = {f"{name}_{axis}" for name in ("kernel", "stride", "pad") for axis in "hw"} & given.keys()
    if legacy:
        raise AssertionError(f"cannot map through {', '.join(sorted(legacy))}: give kernel_size, stride, pad")
    size, dilation = _array(given["kernel_size"]), _array(given.get("dilation", 1))
    stride, pad = _array(given.get("stride", 1)), _array(given.get("pad", 0))
    return given.get("axis", 1), stride, (size - 1) * dilation + 1, pad


def crop_params(fn: Function) -> tuple[int, NDArray[Any]]:
    """The axis and the offsets of a Crop layer."""
    given = fn.params.get("crop_param") or fn.params
    return given.get("axis", 2), _array(given.get("offset", 0))


def coord_map(fn: Function) -> CoordMap:
    """The map from a layer's bottom to its top.

    Raises:
        UndefinedMapException: the layer has none.
    """
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, size, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (size - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, size, pad = conv_params(fn)
        return axis, stride, (size - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return _IDENTITY
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset  # it is the first axis that is cropped
    raise UndefinedMapException(f"a {fn.type_name} layer has no map of coordinates")


def compose(base_map: CoordMap, next_map: CoordMap) -> CoordMap:
    """The map that applies ``next_map`` first and ``base_map`` to what it gives.

    Raises:
        AxisMismatchException: they are of different axes.
    """
    base_axis, base_scale, base_shift = base_map
    next_axis, next_scale, next_shift = next_map
    if None not in (base_axis, next_axis) and base_axis != next_axis:
        raise AxisMismatchException(f"a map of axis {base_axis} meets one of axis {next_axis}")
    axis = next_axis if base_axis is None else base_axis
    return axis, base_scale * next_scale, base_scale * next_shift + base_shift


def inverse(coord_map: CoordMap) -> CoordMap:
    """The map of the other direction."""
    axis, scale, shift = coord_map
    return axis, 1 / scale, -shift / scale


def coord_map_from_to(top_from: Top, top_to: Top) -> CoordMap:
    """The map from a blob's coordinates to those of another, where both are made of a common one.

    Raises:
        RuntimeError: they have no blob in common that both have coordinates of.
        AxisMismatchException: layers on the way differ in their axes.
    """
    ancestors = dict(_ancestors(top_from))
    for top, to_map in _ancestors(top_to):
        if top in ancestors:
            return compose(to_map, inverse(ancestors[top]))
    raise RuntimeError("the two tops have no blob in common that spatial layers connect both with")


def crop(top_from: Top, top_to: Top) -> Top:
    """A Crop layer that cuts ``top_from`` to the part that lies on ``top_to``.

    Raises:
        RuntimeError, AxisMismatchException: see `coord_map_from_to`.
        AssertionError: their scales differ, or the offset is negative or no whole number.
    """
    axis, scale, shift = coord_map_from_to(top_from, top_to)
    offset = -_array(shift)
    if np.any(_array(scale) != 1):
        raise AssertionError(f"cannot crop to another scale: {scale}")
    if np.any(offset < 0):
        raise AssertionError(f"cannot crop a negative width: offset {offset}")
    if np.any(offset != np.round(offset)):
        raise AssertionError(f"cannot crop by part of a pixel: offset {offset}")
    crop_param = {"offset": offset.astype(int).tolist()} | ({} if axis is None else {"axis": axis + 1})
    cropped: Top = layers.Crop(top_from, top_to, crop_param=crop_param)
    return cropped


def _ancestors(top: Top) -> Iterator[tuple[Top, CoordMap]]:
    """A blob and those it is made of, with the map from each to it; not those without one."""
    found: list[tuple[Top, CoordMap]] = [(top, _IDENTITY)]
    seen = {top}
    while found:
        blob, known = found.pop()
        yield blob, known
        # What a Crop layer crops to gives sizes, no coordinates.
        bottoms = blob.fn.inputs[:1] if blob.fn.type_name == "Crop" else blob.fn.inputs
        if new := [bottom for bottom in bottoms if bottom not in seen]:
            try:
                step = coord_map(blob.fn)
            except UndefinedMapException:
                continue
            seen.update(new)
            found += [(bottom, compose(known, step)) for bottom in new]


def _array(values: Any) -> NDArray[Any]:
    return np.array(values, ndmin=1)
