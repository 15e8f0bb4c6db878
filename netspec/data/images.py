"""Image files: where they are looked for, and how they are decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.errors import DataError
from netspec.text.source import Span

Bytes = NDArray[np.uint8]


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

    def read(
        self,
        name: str,
        where: Callable[[], Span],
        *,
        color: bool = True,
        size: tuple[int, int] = (0, 0),
        labels: bool = False,
    ) -> Bytes:
        """An image (H, W, C), BGR or gray.

        Args:
            name: the file.
            where: the place that names it, for errors.
            color: three channels; otherwise one.
            size: height and width to which it is resized; zeros keep its own.
            labels: the pixels are class numbers, between which nothing is interpolated.

        Raises:
            DataError: there is no such file, or it holds no image.
        """
        data = self._content(self._root + name, where)
        image = decode(data, cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE)
        if image is None:
            help = "the file is there, but holds no image that OpenCV can decode"
            raise _unreadable(self._root + name, where, help)
        return resized(image, size, labels=labels) if size[0] and size[1] else image

    def _content(self, name: str, where: Callable[[], Span]) -> Bytes:
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
    """The image (H, W, C) in the content of an image file; None where there is none of bytes."""
    try:
        # Not imread: it writes to stderr, and takes no name beyond ASCII on some systems.
        image = cv2.imdecode(data, flag) if data.size else None
    except cv2.error:
        return None
    if image is None or image.dtype != np.uint8:
        return None
    return np.asarray(image, np.uint8).reshape(*image.shape[:2], -1)


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
