"""A lone `BlobProto` in a file: a mean image, a matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.errors import WeightsError
from netspec.weights.blobs import put_image, read_blob
from netspec.weights.files import write_atomically
from netspec.weights.wire import Floats, open_message


def read_binaryproto(path: Path) -> tuple[NDArray[np.float32], list[int]]:
    """The numbers of a blob, in a row, and its shape: four axes where the file is of the old kind.

    Raises:
        ValueError: the file cannot be read, or holds no blob.
    """
    try:
        blob = _read(path)
    except WeightsError as error:
        raise ValueError(str(error)) from error
    return np.array(blob, np.float32).reshape(-1), list(blob.shape)


def read_image(path: Path) -> Floats:
    """A mean image (C, H, W): a blob of three axes, or of four of which the first is 1.

    Raises:
        WeightsError: the file cannot be read, or holds no such blob.
    """
    blob = _read(path)
    image = blob[0] if blob.ndim == 4 and len(blob) == 1 else blob
    if image.ndim != 3:
        message = f"expected an image of channels, rows and columns, not the shape {list(blob.shape)}"
        raise WeightsError.at(message, file=str(path))
    return image


def write_binaryproto(path: Path, image: Floats) -> None:
    """Writes a mean image (C, H, W) as Caffe's own tool does, with four axes. All or nothing.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    write_atomically(path, put_image(image))


def _read(path: Path) -> Floats:
    reader = open_message(path)
    blob = read_blob(reader)
    if blob.size == 0:  # a file that was cut after the axes: those that are not there count as 0
        raise reader.error(f"expected a blob, not an empty one of the shape {list(blob.shape)}")
    return blob
