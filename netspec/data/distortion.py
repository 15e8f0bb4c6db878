"""Changing an image's colours and pixels, as the SSD fork does it to see more than its images show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.data.resizing import as_image
from netspec.schema.messages import DistortionParameter, NoiseParameter

Bytes = NDArray[np.uint8]
Change = Callable[[Any], Any]  # OpenCV's functions are declared for all types of pixels at once

_VALUES = np.arange(256, dtype=np.float32)
_POSTERIZED = (np.arange(256) // 64 * 64 + 32).astype(np.uint8)


def distort(image: Bytes, param: DistortionParameter, rng: np.random.Generator) -> Bytes:
    """A colour image (H, W, 3) with its brightness, contrast, saturation, hue and order of channels changed,
    each with a probability of its own. Contrast comes second or last but one, as a coin has it."""

    def brightness(image: Bytes) -> Bytes:
        delta = rng.uniform(-param.brightness_delta, param.brightness_delta)
        return _mapped(image, 1, delta)

    def contrast(image: Bytes) -> Bytes:
        return _mapped(image, rng.uniform(param.contrast_lower, param.contrast_upper), 0)

    def saturation(image: Bytes) -> Bytes:
        return _in_hsv(image, 1, rng.uniform(param.saturation_lower, param.saturation_upper), 0)

    def hue(image: Bytes) -> Bytes:
        return _in_hsv(image, 0, 1, rng.uniform(-param.hue_delta, param.hue_delta))

    def order(image: Bytes) -> Bytes:
        return np.ascontiguousarray(image[..., rng.permutation(3)])

    light, colors = (
        (param.brightness_prob, brightness),
        [(param.saturation_prob, saturation), (param.hue_prob, hue)],
    )
    second, last = (param.contrast_prob, contrast), (param.random_order_prob, order)
    steps: list[tuple[float, Change]]
    steps = [light, second, *colors, last] if rng.random() > 0.5 else [light, *colors, second, last]
    for probability, step in steps:
        if rng.random() < probability:
            image = step(image)
    return image


def add_noise(image: Bytes, param: NoiseParameter, rng: np.random.Generator) -> Bytes:
    """An image (H, W, C) with all degradations that are switched on, one after the other.

    Raises:
        cv2.error: a degradation asks for a colour image, and this is none.
    """
    pixels: Any = image
    if param.decolorize:
        pixels = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if param.gauss_blur:
        pixels = cv2.GaussianBlur(pixels, (7, 7), 1.5)
    if param.hist_eq:
        pixels = _on_lightness(pixels, cv2.equalizeHist)
    if param.clahe:
        pixels = _on_lightness(pixels, cv2.createCLAHE(clipLimit=4).apply)
    if param.jpeg > 0:
        coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(param.jpeg)])[1]
        pixels = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    if param.erode:
        pixels = cv2.erode(pixels, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    if param.posterize:
        pixels = _POSTERIZED[pixels]
    if param.inverse:
        pixels = 255 - pixels
    pixels = as_image(pixels)
    if param.saltpepper:
        pixels = _sprinkled(pixels, param, rng)
    if param.convert_to_hsv:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2HSV)
    return np.asarray(pixels, np.uint8)


def _mapped(image: Bytes, factor: float, shift: float) -> Bytes:
    """Each value times a factor, plus a shift, rounded, and kept from 0 to 255."""
    table = np.rint(_VALUES * np.float32(factor) + np.float32(shift)).clip(0, 255).astype(np.uint8)
    mapped: Bytes = table[image]
    return mapped


def _in_hsv(image: Bytes, channel: int, factor: float, shift: float) -> Bytes:
    hsv: Any = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., channel] = _mapped(hsv[..., channel], factor, shift)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), np.uint8)


def _on_lightness(image: Any, change: Change) -> Any:
    image = as_image(image)
    if image.shape[2] == 1:
        return change(image[..., 0])
    parts: Any = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
    parts[..., 0] = change(np.ascontiguousarray(parts[..., 0]))
    return cv2.cvtColor(parts, cv2.COLOR_YCrCb2BGR)


def _sprinkled(image: Bytes, param: NoiseParameter, rng: np.random.Generator) -> Bytes:
    height, width, channels = image.shape
    count = int(np.float32(param.saltpepper_param.fraction) * width * height)
    values = np.asarray(list(param.saltpepper_param.value) or [0], np.float32)
    result: Bytes = image.copy()
    places = rng.integers(height, size=count), rng.integers(width, size=count)
    result[places] = np.resize(values, channels).clip(0, 255).astype(np.uint8)
    return result
