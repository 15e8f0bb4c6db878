"""What happens to an image between its decoding and the net: crop, mean, scale, mirror, as in Caffe, and
before them what the forks added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.data import distortion, resizing
from netspec.data.binaryproto import read_binaryproto
from netspec.data.objects import NO_OBJECTS, WHOLE, cut, mirrored, sample
from netspec.data.transform_fields import check_fields
from netspec.errors import DataError
from netspec.schema.messages import BatchSampler, ResizeParameter, TransformationParameter
from netspec.schema.spans import Spans
from netspec.text.paths import resolve
from netspec.text.source import Span

Image = NDArray[np.uint8] | NDArray[np.float32]
T = TypeVar("T", np.uint8, np.float32)
Floats = NDArray[np.float32]

_DRAWS, _STEPS = 1, 5  # the second of the numbers that seed a random stream


@dataclass(frozen=True)
class _Step:
    """What a field of transform_param does to an image and its objects before the crop."""

    field: str
    apply: Callable[[Image, Floats, np.random.Generator], tuple[Image, Floats]]


class Transformer:
    """Turns a decoded image (H, W, C) into what the net gets: float32, (C, H', W').

    In training the crop's place and the mirroring are random; in TEST the crop is the middle and nothing is
    mirrored. What the forks added happens in either phase, where the text asks for it: colours are distorted,
    the canvas is expanded, a window is sampled, then the image is resized and given noise. All that is random
    is drawn from ``seed`` (that of NVIDIA's field random_seed goes before it) and the record's number alone.

    Args:
        samplers: the windows to which images with objects are cut; None where there are no objects.

    Raises:
        NetError: the settings contradict each other, or a field is not honoured.
    """

    def __init__(
        self,
        param: TransformationParameter,
        spans: Spans,
        *,
        training: bool,
        seed: int = 0,
        samplers: Sequence[BatchSampler] | None = None,
    ) -> None:
        check_fields(param, spans, with_objects=samplers is not None)
        self._param, self._spans = param, spans
        self._mean_file, self._mean_values = param.mean_file, list(param.mean_value)
        self._crop = (param.crop_size or param.crop_h, param.crop_size or param.crop_w)
        self._scale, self._mirror = param.scale, param.mirror
        self._random = training and bool(self._crop[0] or param.mirror)
        self._seed = (param.random_seed if param.random_seed >= 0 else seed) % 2**64
        self._samplers = list(samplers or ())
        self._emit = param.emit_constraint if param.HasField("emit_constraint") else None
        self._steps = self._list_steps()

    def __call__(self, image: Image, record: int) -> Floats:
        """The transformed image; ``record`` is its number in the whole run.

        Raises:
            DataError: the crop or the mean does not fit the image, or it cannot be changed as the text asks.
        """
        return self.with_objects(image, NO_OBJECTS, record)[0]

    def with_objects(self, image: Image, objects: Floats, record: int) -> tuple[Floats, Floats]:
        """The transformed image, and those of its objects that are left, as the fork has them: rows of class,
        instance, xmin, ymin, xmax, ymax, difficult.

        Raises:
            DataError: the crop or the mean does not fit the image, or it cannot be changed as the text asks.
        """
        if self._steps:
            rng = np.random.default_rng((self._seed, _STEPS, record))
            for step in self._steps:
                image, objects = self._applied(step, image, objects, rng)
        height, width = self._cropped(image.shape)
        top, left, flipped = self._place(image.shape[0] - height, image.shape[1] - width, record)
        pixels = self._pixels(image, np.s_[..., top : top + height, left : left + width], flipped)
        if len(objects):
            window = _shares((left, top, left + width, top + height), image)
            objects = cut(objects, window, self._emit)
            objects = mirrored(objects) if flipped else objects
            objects = resizing.rescaled_objects(objects, self._param.resize_param, (height, width))
        return pixels, objects

    @property
    def fixes_size(self) -> bool:
        """Whether images of any size become one of a known size."""
        param = self._param.resize_param
        known = param.resize_mode != ResizeParameter.FIT_SMALL_SIZE and bool(param.height)
        return bool(self._crop[0]) or (known and not resizing.resizes_at_random(self._param))

    # The steps before the crop --------------------------------------------------------------------------

    def _list_steps(self) -> list[_Step]:
        param = self._param
        steps = {
            "distort_param": self._distort,
            "expand_param": self._expand,
            "batch_sampler": self._sample,
            "resize_param": self._resize,
            "img_rand_resize_lower": self._resize_at_random,
            "noise_param": self._add_noise,
        }
        asked = {name for name in steps if name.endswith("_param") and param.HasField(name)}
        asked |= {"batch_sampler"} if self._samplers else set()
        asked |= {"img_rand_resize_lower"} if resizing.resizes_at_random(param) else set()
        return [_Step(field, apply) for field, apply in steps.items() if field in asked]

    def _applied(
        self, step: _Step, image: Image, objects: Floats, rng: np.random.Generator
    ) -> tuple[Image, Floats]:
        try:
            return step.apply(image, objects, rng)
        except cv2.error as error:
            size = "x".join(map(str, image.shape))
            reason = str(error.err) or "out of memory"
            message = f"an image of {size} (height x width x channels) cannot be changed so: {reason}"
            raise DataError.at(message, self._spans.at(step.field)) from error

    def _distort(self, image: Image, objects: Floats, rng: np.random.Generator) -> tuple[Image, Floats]:
        pixels = self._bytes(image, "distort_param")
        if image.shape[2] != 3:
            message = f"only colour images are distorted, and this one has {image.shape[2]} channels"
            raise DataError.at(message, self._spans.at("distort_param"), help="force_color: true")
        return distortion.distort(pixels, self._param.distort_param, rng), objects

    def _expand(self, image: Image, objects: Floats, rng: np.random.Generator) -> tuple[Image, Floats]:
        param = self._param.expand_param
        if rng.random() > param.prob or param.max_expand_ratio < 1.01:
            return image, objects
        height, width, channels = image.shape
        self._check_mean_values(channels)
        ratio = rng.uniform(1, param.max_expand_ratio)
        rows, columns = int(height * ratio), int(width * ratio)
        top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
        mean = np.resize(np.asarray(self._mean_values or [0], np.float32), channels)
        canvas = np.empty((rows, columns, channels), image.dtype)
        canvas[:] = mean.round().clip(0, 255) if image.dtype == np.uint8 else mean
        canvas[top : top + height, left : left + width] = image
        window = _shares((-left, -top, columns - left, rows - top), image)
        return canvas, cut(objects, window, self._emit)

    def _sample(self, image: Image, objects: Floats, rng: np.random.Generator) -> tuple[Image, Floats]:
        window = sample(self._samplers, objects, rng)
        if window is None:
            return image, objects
        window = window.clip(*WHOLE[[0, 2]])
        left, top, right, bottom = window * np.tile(image.shape[1::-1], 2).astype(np.float32)
        width, height = max(1, int(right - left)), max(1, int(bottom - top))
        part = image[int(top) : int(top) + height, int(left) : int(left) + width]
        return part, cut(objects, window, self._emit)

    def _resize(self, image: Image, objects: Floats, rng: np.random.Generator) -> tuple[Image, Floats]:
        param, shape = self._param.resize_param, image.shape[:2]
        return resizing.resize(image, param, rng), resizing.resized_objects(objects, param, shape)

    def _resize_at_random(
        self, image: Image, objects: Floats, rng: np.random.Generator
    ) -> tuple[Image, Floats]:
        return resizing.resize_at_random(image, self._param, rng), objects

    def _add_noise(self, image: Image, objects: Floats, rng: np.random.Generator) -> tuple[Image, Floats]:
        pixels = self._bytes(image, "noise_param")
        return distortion.add_noise(pixels, self._param.noise_param, rng), objects

    def _bytes(self, image: Image, field: str) -> NDArray[np.uint8]:
        if image.dtype != np.uint8:
            message = f"{field} asks for images of bytes, and these are floats"
            raise DataError.at(message, self._spans.at(field))
        return np.ascontiguousarray(image, np.uint8)

    # Crop, mean, scale, mirror --------------------------------------------------------------------------

    def _cropped(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width of the crop of an image of shape (H, W, C), or of the whole of it."""
        height, width, channels = shape
        rows, columns = self._crop
        if rows > height or columns > width:
            name = "crop_size" if self._param.crop_size else "crop_h"
            wanted = f"crop_size {rows}" if self._param.crop_size else f"the crop of {rows} x {columns}"
            message = f"{wanted} is larger than an image of {height} x {width} (height x width)"
            raise DataError.at(message, self._spans.at(name))
        self._check_mean_values(channels)
        return (rows, columns) if rows else (height, width)

    def _pixels(self, image: Image, place: Any, flipped: bool) -> Floats:
        def piece(plane: NDArray[T]) -> NDArray[T]:
            part: NDArray[T] = plane[place]
            return part[..., ::-1] if flipped else part

        # Put in order first: bytes move four times as fast as floats, and astype keeps the order it finds.
        result = np.ascontiguousarray(piece(image.transpose(2, 0, 1))).astype(np.float32)
        mean = self._mean(image)
        if mean is not None:
            result -= mean if mean.shape[1:] == (1, 1) else piece(mean)
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

    def _check_mean_values(self, channels: int) -> None:
        if len(self._mean_values) not in (0, 1, channels):
            message = f"expected one mean_value, or one for each of {channels} channels"
            raise DataError.at(f"{message}, found {len(self._mean_values)}", self._spans.at("mean_value"))


def _shares(window: tuple[int, int, int, int], image: Image) -> Floats:
    """A window, as left, top, right, bottom in pixels, in shares of an image's sides."""
    return np.asarray(np.asarray(window, np.float32) / np.tile(image.shape[1::-1], 2), np.float32)


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
