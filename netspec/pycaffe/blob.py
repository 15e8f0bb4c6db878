"""`Blob`, and the lists that pycaffe hands out."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import torch
from torch import Tensor

from netspec.layers.python_blobs import LegacyAxes, checked_dims
from netspec.pycaffe.memory import Array, Memory, Shape


class Blob(LegacyAxes):
    """Numbers and their gradient, of one shape: ``data`` and ``diff`` are float32 arrays to be written in
    place, and hold what the blob holds for as long as they are kept."""

    __slots__ = ("_shape", "data_memory", "diff_memory")

    def __init__(self, shape: Shape, data: Memory, diff: Memory) -> None:
        self._shape = shape
        self.data_memory = data
        self.diff_memory = diff

    @property
    def data(self) -> Array:
        return self.data_memory.array(self._shape)

    @property
    def diff(self) -> Array:
        return self.diff_memory.array(self._shape)

    @property
    def shape(self) -> IntVec:
        return IntVec(self._shape)

    @property
    def count(self) -> int:
        return prod(self._shape)

    def reshape(self, *dims: int, **options: Any) -> None:
        """Gives the blob another shape. What it holds stays, in its order, unless the blob has to grow.

        Raises:
            RuntimeError: there are keyword arguments.
            ValueError: a dimension is negative.
        """
        if options:
            raise RuntimeError("reshape takes the dimensions, and no keywords")
        self._shape = checked_dims(dims)

    # What the net uses ----------------------------------------------------------------------------------

    def read(self) -> Tensor:
        """The values as the layers' tensor."""
        memory = self.data_memory
        tensor = memory.tensor
        if tensor is None or memory.head == "host" or tensor.shape != self._shape:
            return memory.read(self._shape)
        return tensor

    def write(self, value: Tensor) -> None:
        """Takes a layer's top, its shape too."""
        self.data_memory.put(value)
        self._shape = value.shape


class IntVec(list[int]):
    """A shape: a list that equals a tuple of the same numbers."""

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, tuple) else super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


class BlobVec(list[Blob]):
    """Blobs of a layer."""

    def __init__(self, blobs: Iterable[Blob] = ()) -> None:
        super().__init__(blobs)

    def add_blob(self, *dims: int, **options: Any) -> None:
        """Appends a blob of zeros."""
        cpu = torch.device("cpu")
        blob = Blob((), Memory(cpu), Memory(cpu))
        blob.reshape(*dims, **options)
        self.append(blob)
