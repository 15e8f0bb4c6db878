"""Image files: where they are looked for, and how they are decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data.image_cache import current_cache
from netspec.errors import DataError
from netspec.text.source import Span

Bytes = NDArray[np.uint8]

_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_TAIL = 4096  # bytes at the end of a file, which may follow the end of its image
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = struct.Struct(">8x I4s II")  # the first part's length and name, and the image's size
_PNG_PART = struct.Struct(">I4s")  # its length and name; a checksum follows it
_PACKED = 8 * 1032  # pixels of one bit that a byte of a PNG can stand for


class ImageFiles:
    """Reads images by name.

    Args:
        folders: where relative names are looked for, in this order, behind the working directory.
        root: put in front of each name, as it is.
        keep: whether to keep the files' content in memory.
    """

    def __init__(self, folders: Iterable[Path | None], *, root: str = "", keep: bool = False) -> None:
        places = (Path(), *folders)
        self._folders = list(dict.fromkeys(folder for folder in places if folder is not None))
        self._root = root
        self._kept: dict[str, Bytes] | None = {} if keep else None
        self._cache = current_cache()

    def read(
        self,
        name: str,
        where: Callable[[], Span],
        *,
        color: bool = True,
        size: tuple[int, int] = (0, 0),
        labels: bool = False,
        short_side: int = 0,
    ) -> Bytes:
        """An image (H, W, C), BGR or gray.

        Args:
            name: the file.
            where: the place that names it, for errors.
            color: three channels; otherwise one.
            size: height and width to which it is resized; zeros keep its own.
            labels: the pixels are class numbers, between which nothing is interpolated.
            short_side: the length to which the shorter side is resized, and the other with it; 0 keeps it.

        Raises:
            DataError: there is no such file, or it holds no image.
        """
        if self._cache is None:
            return self._read(name, where, color, size, labels, short_side)
        key = (*self._folders, self._root, name, color, size, labels, short_side)
        return self._cache.get(key, lambda: self._read(name, where, color, size, labels, short_side))

    def _read(
        self,
        name: str,
        where: Callable[[], Span],
        color: bool,
        size: tuple[int, int],
        labels: bool,
        short_side: int,
    ) -> Bytes:
        data = self.content(name, where)
        image = decode(data, cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE)
        if image is None:
            help = "the file is there, but holds no image that OpenCV can decode"
            raise _unreadable(self._root + name, where, help)
        if short_side:
            height, width = image.shape[:2]
            size = _by_short_side(height, width, short_side)
        return resized(image, size, labels=labels) if size[0] and size[1] else image

    def content(self, name: str, where: Callable[[], Span]) -> Bytes:
        """The bytes of an image file.

        Raises:
            DataError: there is no such file, or it cannot be read.
        """
        name = self._root + name
        if self._kept is not None and name in self._kept:
            return self._kept[name]
        path = next((folder / name for folder in self._folders if (folder / name).is_file()), None)
        if path is None:
            tried = ", ".join(f"'{folder / name}'" for folder in self._folders)
            raise DataError.at(f"no such image: '{name}'", where(), help=f"looked for {tried}")
        try:
            data = np.fromfile(path, np.uint8)
        except OSError as error:
            raise _unreadable(name, where, str(error)) from error
        if self._kept is not None:
            self._kept[name] = data
        return data


def decode(data: Bytes, flag: int) -> Bytes | None:
    """The image (H, W, C) in the content of an image file; None where there is none of bytes, or a part."""
    if not _is_whole(data):
        return None
    try:
        # Not imread: it writes to stderr, and takes no name beyond ASCII on some systems.
        image = cv2.imdecode(data, flag) if data.size else None
    except cv2.error:
        return None
    if image is None or image.dtype != np.uint8:
        return None
    return np.asarray(image, np.uint8).reshape(*image.shape[:2], -1)


def _is_whole(data: Bytes) -> bool:
    """Whether an image file is not cut short, and not so small that its size must be a lie.

    OpenCV would paint the missing part of a JPEG grey in some versions, and asks for memory by what a broken
    PNG says of itself.
    """
    if data[: len(_JPEG)].tobytes() == _JPEG:
        return _JPEG_END in data[-_TAIL:].tobytes()
    if data[: len(_PNG)].tobytes() != _PNG:
        return True
    if data.size < _PNG_HEAD.size:
        return False
    *_, width, height = _PNG_HEAD.unpack_from(data.data)
    return width * height <= _PACKED * data.size and _ends_as_png(data)


def _ends_as_png(data: Bytes) -> bool:
    place = len(_PNG)
    while place + _PNG_PART.size <= data.size:
        length, name = _PNG_PART.unpack_from(data.data, place)
        place += _PNG_PART.size + length + 4
        if name == b"IEND":
            return bool(place <= data.size)
    return False


def _by_short_side(height: int, width: int, length: int) -> tuple[int, int]:
    return (length, width * length // height) if height < width else (height * length // width, length)


def resized(image: Bytes, size: tuple[int, int], *, labels: bool = False) -> Bytes:
    """An image (H, W, C) brought to another height and width."""
    how = cv2.INTER_NEAREST if labels else cv2.INTER_LINEAR
    pixels: Bytes = np.asarray(cv2.resize(image, size[::-1], interpolation=how), np.uint8)
    return pixels.reshape(*size, -1)


def stack(images: Sequence[NDArray[np.float32]], blame: Callable[[int, str], DataError]) -> Tensor:
    """Images of one shape as a batch.

    Raises:
        DataError: made by ``blame(index, message)`` for the first image of another shape.
    """
    for index, image in enumerate(images):
        if image.shape != images[0].shape:
            here, there = ("x".join(map(str, shape)) for shape in (image.shape, images[0].shape))
            raise blame(index, f"is {here}, others of its batch {there}")
    return torch.from_numpy(np.stack(images))


def _unreadable(name: str, where: Callable[[], Span], help: str) -> DataError:
    return DataError.at(f"cannot read image '{name}'", where(), help=help)
