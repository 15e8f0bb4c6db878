"""One blob in a file: its numbers and its shape, as a `BlobProto`."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np

from netspec.weights.wire import Floats, Parts, Reader, put_bytes, put_floats, put_integers

_LEGACY_AXES = (1, 2, 3, 4)  # num, channels, height, width
_DATA, _SHAPE, _DOUBLE_DATA = 5, 7, 8
_DIM = 1


def read_blob(reader: Reader) -> Floats:
    """A blob's numbers, in float32 or float64, as a read-only view of the file where they lie in one piece.

    Raises:
        WeightsError: the file is damaged, or the shape does not fit the count of numbers.
    """
    shape: list[int] = []
    legacy: dict[int, int] = {}
    pieces: list[Floats] = []
    for field in reader.fields():
        if field.number in _LEGACY_AXES:
            legacy[field.number] = field.integer()
        elif field.number == _SHAPE:
            shape += [
                dim for inner in field.message().fields() if inner.number == _DIM for dim in inner.integers()
            ]
        elif field.number in (_DATA, _DOUBLE_DATA):
            pieces.append(field.floats("<f4" if field.number == _DATA else "<f8"))
    if legacy:
        shape = [legacy.get(axis, 0) for axis in _LEGACY_AXES]
    values = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, "<f4"), *pieces])
    if not _possible(shape) or prod(shape) != values.size:
        raise reader.error(f"expected as many numbers as the shape {shape} has places, not {values.size}")
    return values.reshape(shape)


def _possible(shape: list[int]) -> bool:
    # Caffe's own limits; a damaged file must not ask numpy for more.
    return len(shape) <= 32 and all(0 <= dim < 1 << 31 for dim in shape)


def put_blobs(number: int, blobs: Iterable[Floats]) -> Parts:
    """Blobs as the repeated field ``number`` of a message."""
    parts: Parts = []
    for blob in blobs:
        shape = put_bytes(_SHAPE, *put_integers(_DIM, blob.shape))
        parts += put_bytes(number, *put_floats(_DATA, np.asarray(blob, np.float32)), *shape)
    return parts
