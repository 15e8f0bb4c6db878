"""``caffe.io``: images and arrays on their way into a net, and messages as arrays and back.

Images are arrays (H, W, C) of floats in [0, 1], colours in the order red, green, blue; blobs (N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import comb, factorial
from os import PathLike
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.pycaffe.proto import caffe_pb2

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovecor_str",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize_image",
]

Array = NDArray[Any]
Floats = NDArray[np.float32]
Dims = Sequence[int] | Array

# How much red, green and blue add to a grey.
_GREY = np.array([0.2125, 0.7154, 0.0721])

# Messages ------------------------------------------------------------------------------------------------


def blobproto_to_array(blob: caffe_pb2.BlobProto, return_diff: bool = False) -> NDArray[np.float64]:
    """The numbers of a blob, or their gradients, in its shape: four axes where it is of the old kind.

    Raises:
        ValueError: the shape does not fit the count of numbers.
    """
    single, double = (blob.diff, blob.double_diff) if return_diff else (blob.data, blob.double_data)
    legacy = ("num", "channels", "height", "width")
    old = any(blob.HasField(axis) for axis in legacy)
    shape = [getattr(blob, axis) for axis in legacy] if old else list(blob.shape.dim)
    return np.array(single or double, np.float64).reshape(shape)


def array_to_blobproto(arr: Array, diff: Array | None = None) -> caffe_pb2.BlobProto:
    """An array, and maybe gradients of its shape, as a message."""
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(arr.shape)
    blob.data.extend(np.asarray(arr, np.float64).ravel().tolist())
    if diff is not None:
        blob.diff.extend(np.asarray(diff, np.float64).ravel().tolist())
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[Array]) -> bytes:
    """Arrays as the bytes of a ``BlobProtoVector``."""
    return caffe_pb2.BlobProtoVector(blobs=map(array_to_blobproto, arraylist)).SerializeToString()


# As early versions spelt it.
arraylist_to_blobprotovecor_str = arraylist_to_blobprotovector_str


def blobprotovector_str_to_arraylist(str: bytes) -> list[NDArray[np.float64]]:
    """The arrays in the bytes of a ``BlobProtoVector``."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(str).blobs]


def array_to_datum(arr: Array, label: int | None = None) -> caffe_pb2.Datum:
    """An array (C, H, W) as a record of a database: bytes where it is of uint8, floats otherwise.

    Raises:
        ValueError: the array has not three axes.
    """
    if arr.ndim != 3:
        raise ValueError(f"expected an array (channels, height, width), not one of shape {arr.shape}")
    channels, height, width = arr.shape
    datum = caffe_pb2.Datum(channels=channels, height=height, width=width, label=label)
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(np.asarray(arr, np.float64).ravel().tolist())
    return datum


def datum_to_array(datum: caffe_pb2.Datum) -> Array:
    """The array (C, H, W) in a record: uint8 where it holds bytes, float64 otherwise. The label stays behind.

    Raises:
        ValueError: the record holds another count of numbers, as it does where it is an encoded image.
    """
    values: Array = np.array(datum.float_data, np.float64)
    if datum.data:
        values = np.frombuffer(datum.data, np.uint8).copy()
    return values.reshape(datum.channels, datum.height, datum.width)


# Preprocessing -------------------------------------------------------------------------------------------


class Transformer:
    """Makes of an image what a net's input expects.

    Args:
        inputs: the shape (N, C, H, W) of each input by its name: ``{"data": net.blobs["data"].data.shape}``.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs = inputs
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, Array] = {}
        self.input_scale: dict[str, float] = {}

    def preprocess(self, in_: str, data: Array) -> Floats:
        """Brings an image (H', W', C) to the input's size and format, in this order: size, order of the axes,
        order of the channels, raw scale, mean, input scale. The image itself stays as it is.

        Raises:
            ValueError: there is no such input, or the image does not fit the settings.
        """
        self._check(in_)
        image: Floats = np.array(data, np.float32)
        if image.shape[:2] != (size := tuple(self.inputs[in_][2:])):
            image = resize_image(image, size)
        if in_ in self.transpose:
            image = image.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            image = image[list(self.channel_swap[in_])]
        if in_ in self.raw_scale:
            image *= self.raw_scale[in_]
        if in_ in self.mean:
            image -= self.mean[in_]
        if in_ in self.input_scale:
            image *= self.input_scale[in_]
        return image

    def deprocess(self, in_: str, data: Array) -> Array:
        """The way back from `preprocess`, but for the size: from an item of the input to an image.

        Raises:
            ValueError: there is no such input, or ``data`` does not fit the settings.
        """
        self._check(in_)
        image: Array = data.copy()
        while image.ndim >= len(self.inputs[in_]) and len(image) == 1:
            image = image[0]
        if in_ in self.input_scale:
            image /= self.input_scale[in_]
        if in_ in self.mean:
            image += self.mean[in_]
        if in_ in self.raw_scale:
            image /= self.raw_scale[in_]
        if in_ in self.channel_swap:
            image = image[np.argsort(self.channel_swap[in_])]
        if in_ not in self.transpose:
            return image.squeeze()
        restored: Array = image.transpose(np.argsort(self.transpose[in_]))
        return restored

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Sets the order of the axes: (2, 0, 1) makes (C, H, W) of an image (H, W, C).

        Raises:
            ValueError: there is no such input, or it has another count of axes.
        """
        self._check(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ValueError(f"expected the {len(self.inputs[in_]) - 1} axes of an item, not {tuple(order)}")
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Sets the order of the first axis, after `set_transpose`'s: (2, 1, 0) makes BGR of RGB.

        Raises:
            ValueError: there is no such input, or it has another count of channels.
        """
        self._check(in_)
        if len(order) != self.inputs[in_][1]:
            raise ValueError(f"expected the {self.inputs[in_][1]} channels of '{in_}', not {tuple(order)}")
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Sets what an image is multiplied with before the mean is subtracted: 255 for a net that was trained
        on pixels from 0 to 255.

        Raises:
            ValueError: there is no such input.
        """
        self._check(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: Array) -> None:
        """Sets what is subtracted: a number per channel, (C), or an image (C, H, W) or (H, W), which is
        resized where it is of another size.

        Raises:
            ValueError: there is no such input, or the mean has another count of channels or axes.
        """
        self._check(in_)
        shape = tuple(self.inputs[in_][1:])
        if mean.ndim == 1:
            if len(mean) != shape[0]:
                raise ValueError(f"the mean has {len(mean)} channels, input '{in_}' has {shape[0]}")
            mean = mean[:, np.newaxis, np.newaxis]
        elif mean.ndim not in (2, 3) or mean.shape[:-2] not in ((), (1,), shape[:1]):
            raise ValueError(f"expected a mean (C), (H, W) or (C, H, W) for {shape}, not {mean.shape}")
        elif mean.shape[-2:] != shape[1:]:
            mean = resize_image(np.atleast_3d(mean.T), shape[:0:-1]).T
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Sets what an image is multiplied with last, after the mean is subtracted.

        Raises:
            ValueError: there is no such input.
        """
        self._check(in_)
        self.input_scale[in_] = scale

    def _check(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise ValueError(f"'{in_}' is none of the net's inputs: {', '.join(self.inputs)}")


# Images --------------------------------------------------------------------------------------------------


def load_image(filename: str | PathLike[str], color: bool = True) -> Floats:
    """An image file as (H, W, 3), RGB, or without ``color`` as (H, W, 1), in [0, 1]. Transparency is dropped.

    Raises:
        OSError: there is no such file, or it holds no image.
    """
    image = _decode(filename)
    if image.shape[2] > 1:
        image = image[:, :, 2::-1]
        return (image if color else image @ _GREY[:, np.newaxis]).astype(np.float32)
    return np.repeat(image.astype(np.float32), 3 if color else 1, axis=2)


def _decode(filename: str | PathLike[str]) -> NDArray[np.float64]:
    """The image as it is stored, (H, W, C), BGR or BGRA or grey, whole numbers brought to [0, 1]."""
    data = np.fromfile(filename, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if image is None:
        raise OSError(f"'{filename}' holds no image that OpenCV can decode")
    kind: Any = image.dtype
    values: NDArray[np.float64] = image.astype(np.float64).reshape(*image.shape[:2], -1)
    return values / np.iinfo(kind).max if kind.kind in "iu" else values


def resize_image(im: Array, new_dims: Dims, interp_order: int = 1) -> Floats:
    """An image (H, W, C) brought to another height and width by spline interpolation, without smoothing.

    As pycaffe does it, one or three channels are interpolated between the centres of pixels, with the image's
    smallest value all around it, and stay within its range; any other count of channels is interpolated with
    corner pixels onto corner pixels.

    Args:
        im: (H, W, C).
        new_dims: height and width.
        interp_order: 0 takes the nearest pixel, 1 interpolates linearly, up to 5.

    Raises:
        ValueError: the order is none of those.
    """
    if interp_order not in range(6):
        raise ValueError(f"expected an interp_order from 0 to 5, not {interp_order}")
    image: NDArray[np.float64] = np.asarray(im, np.float64)
    centred = image.shape[-1] in (1, 3)
    # A spline of a higher order sees some way beyond the edge.
    edge = (12 if interp_order > 1 else 1) if centred else 0
    image = np.pad(image, [(edge, edge)] * 2 + [(0, 0)] * (image.ndim - 2), constant_values=image.min())
    for axis, size in enumerate(map(int, new_dims)):
        length = im.shape[axis]
        if centred:
            places = (np.arange(size) + 0.5) * length / size - 0.5
        else:
            places = np.linspace(0, length - 1, size)
        image = np.moveaxis(_spline(np.moveaxis(image, axis, 0), places + edge, interp_order), 0, axis)
    result: Array = np.clip(image, im.min(), im.max()) if centred else image
    return result.astype(np.float32)


def _spline(values: NDArray[np.float64], places: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """A B-spline through ``values`` along their first axis, at ``places`` of it, mirrored at both ends."""
    if order > 1:
        grid = np.arange(len(values))
        system = np.zeros((len(values),) * 2)
        for taps, weights in _taps(grid.astype(np.float64), order, len(values)):
            np.add.at(system, (grid, taps), weights)
        flat = values.reshape(len(values), -1)
        values = np.asarray(np.linalg.solve(system, flat), np.float64).reshape(values.shape)
    terms = (
        values[taps] * weights.reshape(-1, *[1] * (values.ndim - 1))
        for taps, weights in _taps(places, order, len(values))
    )
    return sum(terms, np.zeros(()))


def _taps(
    places: NDArray[np.float64], order: int, length: int
) -> Iterable[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """For each place the indices of the values that a spline of this order weighs, and their weights."""
    first = np.floor(places - (order - 1) / 2).astype(np.intp)
    period = max(1, 2 * (length - 1))
    for tap in range(order + 1):
        index = np.abs(first + tap) % period
        yield np.minimum(index, period - index), _b_spline(places - first - tap, order)


def _b_spline(x: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """The centred B-spline of an order, as a sum of truncated powers."""
    if order == 0:
        return np.ones_like(x)
    half = (order + 1) / 2
    terms = ((-1) ** k * comb(order + 1, k) * np.maximum(x + half - k, 0) ** order for k in range(order + 2))
    return sum(terms, np.zeros_like(x)) / factorial(order)


def oversample(images: Sequence[Array] | Array, crop_dims: Dims) -> Floats:
    """Ten crops of each image: the four corners from left to right and from top to bottom, the centre, and
    the same five mirrored.

    Args:
        images: N images (H, W, C) of one size.
        crop_dims: height and width of a crop.

    Returns:
        (10 N, height, width, C)

    Raises:
        ValueError: a crop is larger than the image.
    """
    places = crop_places(images[0].shape, crop_dims)
    crops = np.array([[image[place] for place in places] for image in images], np.float32)
    ten = np.concatenate([crops, crops[:, :, :, ::-1]], axis=1)
    return ten.reshape(-1, *ten.shape[2:])


def crop_places(image_dims: Dims, crop_dims: Dims) -> list[tuple[slice, slice]]:
    """Where an image is cropped: rows and columns of the four corners, and of the centre.

    Raises:
        ValueError: a crop is larger than the image.
    """
    (rows, columns), (height, width) = image_dims[:2], crop_dims
    if height > rows or width > columns:
        raise ValueError(f"a crop of {height}x{width} does not fit into an image of {rows}x{columns}")
    corners = [(top, left) for top in (0, rows - height) for left in (0, columns - width)]
    places = [*corners, ((rows - height) // 2, (columns - width) // 2)]
    return [(slice(top, top + height), slice(left, left + width)) for top, left in places]
