"""What happens to an image between its decoding and the net: crop, mean, scale, mirror, as in Caffe."""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from netspec.data.binaryproto import read_binaryproto
from netspec.errors import DataError, NetError
from netspec.schema.messages import TransformationParameter
from netspec.schema.spans import Spans
from netspec.text.paths import resolve
from netspec.text.source import Span

Image = NDArray[np.uint8] | NDArray[np.float32]
T = TypeVar("T", np.uint8, np.float32)
Floats = NDArray[np.float32]

_DRAWS = 1  # the second of the numbers that seed a random stream


class Transformer:
    """Turns a decoded image (H, W, C) into what the net gets: float32, (C, H', W').

    In training the crop's place and the mirroring are random, drawn from ``seed`` and the record's number
    alone; in TEST the crop is the middle and nothing is mirrored.

    Raises:
        NetError: the settings contradict each other.
    """

    def __init__(
        self, param: TransformationParameter, spans: Spans, *, training: bool, seed: int = 0
    ) -> None:
        if param.mean_file and param.mean_value:
            raise NetError.at(
                "transform_param takes mean_file or mean_value, not both", spans.at("mean_file")
            )
        self._spans, self._mean_file, self._mean_values = spans, param.mean_file, list(param.mean_value)
        self._crop, self._scale = param.crop_size, param.scale
        self._random = training and bool(param.crop_size or param.mirror)
        self._mirror, self._seed = param.mirror, seed % 2**64

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """(C, H', W') for an image of shape (H, W, C).

        Raises:
            DataError: the crop is larger than the image, or mean_value does not fit its channels.
        """
        height, width, channels = shape
        if self._crop > min(height, width):
            message = f"crop_size {self._crop} is larger than an image of {height} x {width} (height x width)"
            raise DataError.at(message, self._spans.at("crop_size"))
        if len(self._mean_values) not in (0, 1, channels):
            message = f"expected one mean_value, or one for each of {channels} channels"
            raise DataError.at(f"{message}, found {len(self._mean_values)}", self._spans.at("mean_value"))
        return (channels, self._crop, self._crop) if self._crop else (channels, height, width)

    def __call__(self, image: Image, record: int) -> Floats:
        """The transformed image; ``record`` is its number in the whole run.

        Raises:
            DataError: the crop or the mean does not fit the image.
        """
        _, height, width = self.output_shape(image.shape)
        top, left, mirrored = self._place(image.shape[0] - height, image.shape[1] - width, record)

        def cut(plane: NDArray[T]) -> NDArray[T]:
            part = plane[..., top : top + height, left : left + width]
            return part[..., ::-1] if mirrored else part

        result = cut(image.transpose(2, 0, 1)).astype(np.float32)
        mean = self._mean(image)
        if mean is not None:
            result -= mean if mean.shape[1:] == (1, 1) else cut(mean)
        if self._scale != 1:
            result *= np.float32(self._scale)
        return result

    def _place(self, rows: int, columns: int, record: int) -> tuple[int, int, bool]:
        """Where the crop begins, given how many places there are but one, and whether it is mirrored."""
        if not self._random:
            return rows // 2, columns // 2, False
        rng = np.random.default_rng((self._seed, _DRAWS, record))
        top, left, coin = rng.integers((rows + 1, columns + 1, 2))
        return int(top), int(left), self._mirror and bool(coin)

    def _mean(self, image: Image) -> Floats | None:
        if self._mean_values:
            return np.asarray(self._mean_values, np.float32).reshape(-1, 1, 1)
        if not self._mean_file:
            return None
        mean, (height, width, channels) = self._mean_image, image.shape
        if mean.shape != (channels, height, width):
            found = "x".join(map(str, mean.shape))
            message = f"the mean image is {found}, the image {channels}x{height}x{width}"
            raise DataError.at(message, self._spans.at("mean_file"))
        return mean

    @cached_property
    def _mean_image(self) -> Floats:
        return read_mean(self._mean_file, self._spans.at("mean_file"))


def read_mean(name: str, span: Span) -> Floats:
    """The mean image (C, H, W) that a text names at ``span``.

    Raises:
        DataError: the file holds no BlobProto of an image.
        NetError: there is no such file.
    """
    path = resolve(name, span, "mean_file")
    try:
        values, shape = read_binaryproto(path)
        return values.reshape(shape[-3:])
    except ValueError:
        raise DataError.at(f"'{path}' is no binaryproto of a mean image", span) from None
