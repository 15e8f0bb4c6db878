"""``.npz``: each blob is an array, under the key ``<layer>/<number>``."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import IO
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy

from netspec.errors import NetspecError, WeightsError
from netspec.weights.files import replacing
from netspec.weights.keys import key, layers_by_key
from netspec.weights.layers import LayerBlobs, as_floats, require_distinct
from netspec.weights.wire import Floats

_SUFFIX = ".npy"
_COMPRESSION = 1100  # the most that zip's usual compression can do; larger claims are bombs
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_layers(path: Path) -> list[LayerBlobs]:
    """The layers that have blobs. Nothing is unpickled.

    Raises:
        WeightsError: the file is missing, damaged, or holds something else than arrays of numbers.
    """
    try:
        with ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _COMPRESSION * path.stat().st_size:
                raise ValueError("its members claim to be larger than they can be")
            arrays = {member.filename.removesuffix(_SUFFIX): _read(archive, member) for member in members}
            if len(arrays) < len(members):
                raise ValueError("two members have one name")
    except NetspecError:
        raise
    except Exception as error:  # a damaged archive makes zipfile raise much that it does not document
        message = f"cannot be read as npz: {error}"
        raise WeightsError.at(message, file=str(path), help="the file may be truncated") from error
    return layers_by_key(
        {name: as_floats(array, f"'{name}'", str(path)) for name, array in arrays.items()}, str(path)
    )


def write_layers(path: Path, layers: Sequence[LayerBlobs]) -> None:
    """Writes the blobs of layers, all or nothing. Types, and layers without blobs, find no place.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    require_distinct(layers)
    with replacing(path) as temporary, ZipFile(temporary, "w") as archive:
        for layer in layers:
            for blob, values in layer.blobs.items():
                with archive.open(key(layer, blob) + _SUFFIX, "w", force_zip64=True) as member:
                    npy.write_array(member, np.asarray(values), allow_pickle=False)


def _read(archive: ZipFile, member: ZipInfo) -> Floats:
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"'{member.filename}' is an array of version {version}, not of 1.0 or 2.0")
        shape, by_columns, dtype = _HEADERS[version](stream)
        if dtype.hasobject:
            message = f"'{member.filename}' holds Python objects, and nothing is unpickled here"
            raise WeightsError.at(message, file=archive.filename)
        size = prod(shape) * dtype.itemsize
        if size > member.file_size:
            raise ValueError(f"'{member.filename}' is cut off")
        data = bytearray(size)
        _fill(stream, memoryview(data))
    values: Floats = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
    return values


def _fill(stream: IO[bytes], buffer: memoryview) -> None:
    """Reads to the end, where the checksum is compared."""
    filled = 0
    while chunk := stream.read(1 << 20):
        buffer[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    if filled < len(buffer):
        raise ValueError("an array is cut off")
