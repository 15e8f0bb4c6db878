"""Readers of IDX files, the format in which MNIST and its relatives are published."""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.errors import DataError

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an IDX file, gzipped if its name ends in ``.gz``.

    The file is a big-endian header (two zero bytes, the element type, the number of axes, one uint32 per
    axis) and the elements in C order; see http://yann.lecun.com/exdb/mnist/.

    Raises:
        DataError: the file cannot be read, is no IDX file of unsigned bytes, or is cut short.
    """
    content = _content(path)
    if len(content) < 4 or content[:3] != bytes((0, 0, _UNSIGNED_BYTE)):
        raise _broken(
            path, f"expected an IDX header 00 00 08 <axes>, found {content[:4].hex(' ') or 'nothing'}"
        )
    axes, start = content[3], 4 + 4 * content[3]
    if len(content) < start:
        raise _broken(path, f"expected a header of {start} bytes, found {len(content)} bytes in all")
    shape = struct.unpack_from(f">{axes}I", content, 4)
    if len(content) - start != prod(shape):
        raise _broken(path, f"expected {prod(shape)} elements of shape {shape}, found {len(content) - start}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_mnist(folder: Path, *, train: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, H, W) and labels (N,) of MNIST's training or test half, from the files as published.

    Raises:
        DataError: a file is missing or broken, or the two do not belong together.
    """
    half = "train" if train else "t10k"
    image_file, label_file = (
        _find(folder, f"{half}-images-idx3-ubyte"),
        _find(folder, f"{half}-labels-idx1-ubyte"),
    )
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.ndim != 3:
        raise _broken(image_file, f"expected images with 3 axes (N, H, W), found the shape {images.shape}")
    if labels.shape != images.shape[:1]:
        raise _broken(
            label_file, f"expected {len(images)} labels, one per image, found the shape {labels.shape}"
        )
    return images, labels


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError.at(
        f"expected the file '{name}' or '{name}.gz' in this folder",
        file=str(folder),
        help='put the four MNIST files there, or use `source: "strokes"`, which needs no files',
    )


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise _broken(path, f"expected a readable IDX file: {error}") from error


def _broken(path: Path, message: str) -> DataError:
    return DataError.at(
        message, file=str(path), help="fetch the file again: it may be cut short or another file"
    )
