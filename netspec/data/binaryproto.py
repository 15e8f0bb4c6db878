"""A lone `BlobProto` in a file: a mean image, a matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from netspec.schema.messages import BlobProto


def read_binaryproto(path: Path) -> tuple[NDArray[np.float32], list[int]]:
    """The numbers of a blob, in a row, and its shape: four axes where the file is of the old kind.

    Raises:
        ValueError: the file cannot be read, or holds no blob.
    """
    try:
        blob = BlobProto.FromString(path.read_bytes())
    except (DecodeError, OSError) as error:
        raise ValueError(str(error)) from error
    shape = list(blob.shape.dim) or [blob.num, blob.channels, blob.height, blob.width]
    return np.asarray(blob.data or blob.double_data, np.float32), shape
