"""One blob in a file: its numbers and its shape, as a `BlobProto`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np

from netspec.weights.wire import (
    BYTES,
    Field,
    Floats,
    Parts,
    Reader,
    put_bytes,
    put_floats,
    put_integer,
    put_integers,
)

_LEGACY_AXES = (1, 2, 3, 4)  # num, channels, height, width
_DATA, _SHAPE, _DOUBLE_DATA = 5, 7, 8
_DIFFS = 6, 9  # as float and as double
_NUMBERS = {_DATA: "<f4", _DOUBLE_DATA: "<f8"}
_RAW_TYPE, _RAW_DATA = 10, 12  # NVIDIA's fork keeps all numbers as bytes
_RAW_TYPES = {0: "<f8", 1: "<f4", 2: "<f2"}
_DIM = 1


def read_blob(reader: Reader) -> Floats:
    """A blob's numbers, in float16, float32 or float64, as a read-only view of the file where they lie in one
    piece. Of numbers in both precisions the doubles count, as in Caffe.

    Raises:
        WeightsError: the file is damaged, or the shape does not fit the count of numbers.
    """
    shape: list[int] = []
    legacy: dict[int, int] = {}
    pieces: dict[str, list[Floats]] = {}
    raw_type = 0
    for field in reader.fields():
        if field.number in _LEGACY_AXES:
            legacy[field.number] = field.integer()
        elif field.number == _SHAPE:
            shape += [
                dim for inner in field.message().fields() if inner.number == _DIM for dim in inner.integers()
            ]
        elif field.number == _RAW_TYPE:
            raw_type = field.integer()
        elif dtype := _dtype(field, raw_type):
            pieces.setdefault(dtype, []).append(field.floats(dtype))
    if legacy:
        shape = [legacy.get(axis, 0) for axis in _LEGACY_AXES]
    values = _joined(pieces)
    if not _possible(shape) or prod(shape) != values.size:
        raise reader.error(f"expected as many numbers as the shape {shape} has places, not {values.size}")
    return values.reshape(shape)


def fits(file: Sequence[int], net: Sequence[int]) -> bool:
    """Whether a blob of the file's shape may go where the net has its: the same, or Caffe's old spelling of
    it with four axes, where 1x1x500x800 means 500x800."""
    return tuple(file) == tuple(net) or (len(file) == 4 and tuple(file) == (1,) * (4 - len(net)) + tuple(net))


def put_blobs(number: int, blobs: Iterable[Floats], diffs: Mapping[int, Floats] | None = None) -> Parts:
    """Blobs as the repeated field ``number`` of a message, and their ``diffs`` by their places; doubles stay
    doubles."""
    parts: Parts = []
    for place, blob in enumerate(blobs):
        shape = put_bytes(_SHAPE, *put_integers(_DIM, blob.shape))
        diff = _put_numbers(diffs[place], _DIFFS) if diffs and place in diffs else []
        parts += put_bytes(number, *_put_numbers(blob), *diff, *shape)
    return parts


def put_image(blob: Floats) -> Parts:
    """The fields of a lone blob (C, H, W), with the four axes by which Caffe knows a mean image."""
    axes = zip(_LEGACY_AXES, (1, *blob.shape), strict=True)
    return [*(part for axis, dim in axes for part in put_integer(axis, dim)), *_put_numbers(blob)]


def _put_numbers(blob: Floats, fields: tuple[int, int] = (_DATA, _DOUBLE_DATA)) -> Parts:
    single, double = fields
    if blob.dtype == np.float64:
        return put_floats(double, blob)
    return put_floats(single, np.asarray(blob, np.float32))


def _dtype(field: Field, raw_type: int) -> str | None:
    """What numbers a field holds, if any."""
    if field.number == _RAW_DATA and field.kind == BYTES:
        return _RAW_TYPES.get(raw_type)
    return _NUMBERS.get(field.number)


def _joined(pieces: dict[str, list[Floats]]) -> Floats:
    kept = next((found for dtype in ("<f8", "<f4", "<f2") if (found := pieces.get(dtype))), [])
    return kept[0] if len(kept) == 1 else np.concatenate([np.empty(0, "<f4"), *kept])


def _possible(shape: list[int]) -> bool:
    # Caffe's own limits; a damaged file must not ask numpy for more.
    return len(shape) <= 32 and all(0 <= dim < 1 << 31 for dim in shape)
