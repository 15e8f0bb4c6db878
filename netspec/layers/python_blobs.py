"""What a class written for pycaffe sees of a net: `Layer` to derive from, and blobs of numpy arrays."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class LegacyAxes:
    """What pycaffe calls the axes of a blob that has at most four of them."""

    @property
    def shape(self) -> Sequence[int]:
        raise NotImplementedError

    @property
    def num(self) -> int:
        return self._legacy_axis(0)

    @property
    def channels(self) -> int:
        return self._legacy_axis(1)

    @property
    def height(self) -> int:
        return self._legacy_axis(2)

    @property
    def width(self) -> int:
        return self._legacy_axis(3)

    def _legacy_axis(self, axis: int) -> int:
        if len(self.shape) > 4:
            raise ValueError(f"num, channels, height and width are for 4 axes, not for {len(self.shape)}")
        return self.shape[axis] if axis < len(self.shape) else 1


def checked_dims(dims: Sequence[int]) -> tuple[int, ...]:
    """The dimensions that a script asks for.

    Raises:
        ValueError: a dimension is negative.
        TypeError: one is no whole number.
    """
    shape = tuple(operator.index(dim) for dim in dims)
    if any(dim < 0 for dim in shape):
        raise ValueError(f"the dimensions of a blob are not negative: {shape}")
    return shape


class Blob(LegacyAxes):
    """Numbers and their gradient: two C-contiguous float32 arrays of one shape, to be written in place."""

    def __init__(self) -> None:
        self.is_shaped = False  # until somebody gives it a shape it has no room
        self._data: Array = np.zeros(0, np.float32)
        self._diff: Array | None = None

    @property
    def data(self) -> Array:
        return self._data

    @property
    def diff(self) -> Array:
        if self._diff is None:
            self._diff = np.zeros_like(self._data)
        return self._diff

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def count(self) -> int:
        return self._data.size

    def reshape(self, *dims: int) -> None:
        """Gives the blob another shape. What it holds stays, in its order, unless the blob has to grow.

        Raises:
            ValueError: a dimension is negative.
        """
        shape = checked_dims(dims)
        if prod(shape) > self.count:
            self._data = np.zeros(shape, np.float32)
        else:
            self._data = self._data.reshape(-1)[: prod(shape)].reshape(shape)
        if self._diff is not None and self._diff.shape != shape:
            self._diff = None
        self.is_shaped = True

    def show(self, data: Array, diff: Array | None = None) -> None:
        """Lets the blob have these arrays, not copies of them; without ``diff`` the gradient is zero."""
        self._data, self._diff, self.is_shaped = data, diff, True


class Blobs(list[Blob]):
    """The learnable blobs of a layer."""

    def add_blob(self, *dims: int) -> None:
        """Appends a blob of zeros."""
        blob = Blob()
        blob.reshape(*dims)
        self.append(blob)


class Layer:
    """``caffe.Layer``: the class that layers for pycaffe derive from.

    A layer has ``setup(self, bottom, top)``, ``reshape(self, bottom, top)``, ``forward(self, bottom, top)``
    and ``backward(self, top, propagate_down, bottom)``.

    Attributes:
        param_str: what the net's text hands to the layer.
        phase: ``caffe.TRAIN`` or ``caffe.TEST``.
        blobs: the learnable blobs; ``setup`` adds them.
        type: the layer's type.
    """

    type = "Python"
    param_str: str
    phase: int
    blobs: Blobs

    def __init__(self, *args: Any) -> None:
        """Caffe hands the layer's message to the constructor."""
