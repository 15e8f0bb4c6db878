"""What pictures of images are put together from: blobs as pixels, text, and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.viz.canvas import ANCHORS, FAINT, Anchor, Picture, bgr, font

__all__ = ["Floats", "Picture", "blank", "save", "save_film", "to_pixels", "value_range", "widened", "write"]

Floats = NDArray[np.float32]
WHITE = (255, 255, 255)


def value_range(images: Floats) -> tuple[float, float]:
    """What is black and what is white: 0 and 1 for numbers that fill that range, else the extremes."""
    low, high = float(np.nanmin(images)), float(np.nanmax(images))
    return (0.0, 1.0) if low >= 0 and 0.5 < high <= 1 else (low, max(high, low + 1e-6))


def to_pixels(image: Floats, low: float, high: float) -> Picture:
    """A blob (C, H, W) as an image in BGR; neither one channel nor three: the mean over the channels."""
    channels = image if len(image) == 3 else np.repeat(image.mean(axis=0, keepdims=True), 3, axis=0)
    scaled = np.clip((np.nan_to_num(channels) - low) / (high - low), 0, 1) * 255
    return np.ascontiguousarray(scaled.round().astype(np.uint8).transpose(1, 2, 0))


def blank(height: int, width: int) -> Picture:
    """Paper."""
    return np.full((height, width, 3), WHITE, np.uint8)


def widened(picture: Picture, width: int) -> Picture:
    """With paper on the right."""
    return np.hstack([picture, blank(len(picture), max(0, width - picture.shape[1]))])


def write(
    picture: Picture,
    text: str,
    place: tuple[float, float],
    *,
    size: float = 13,
    colour: str = FAINT,
    bold: bool = False,
    anchor: Anchor = "start",
) -> None:
    """Writes a line of text into a picture. ``place`` is (x, y) on its middle line."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture)  # which takes it for RGB: it does not matter here
    pen = ImageDraw.Draw(image)
    pen.text(place, text, fill=bgr(colour), font=font(size, bold=bold), anchor=ANCHORS[anchor])
    picture[:] = np.asarray(image)


def save(picture: Picture, file: Path) -> None:
    """Writes a picture as the suffix of ``file`` says, PNG as a rule.

    Raises:
        OSError: the file cannot be written.
    """
    _, encoded = cv2.imencode(file.suffix, picture)
    file.write_bytes(encoded.tobytes())


def save_film(frames: Sequence[Picture], file: Path, *, seconds: float) -> None:
    """Writes pictures of one size as an endless GIF that shows each for so long, the last a while longer.

    Raises:
        OSError: the file cannot be written.
    """
    from PIL import Image

    images = [Image.fromarray(np.ascontiguousarray(frame[..., ::-1])).quantize(256) for frame in frames]
    shown = [round(seconds * 1000)] * (len(images) - 1) + [round(seconds * 3000)]
    options: dict[str, Any] = {"duration": shown if len(images) > 1 else shown[0], "loop": 0}
    images[0].save(file, format="GIF", save_all=True, append_images=images[1:], **options)
