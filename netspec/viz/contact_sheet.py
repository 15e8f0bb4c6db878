"""Many images on one sheet, each with a line below it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

CELL = 112  # pixels of a cell's side; an image fills all but the margin
MARGIN, CAPTION, HEADER = 6, 20, 34
LARGEST_SCALE = 16  # small images are magnified up to this, by whole factors
PAPER, INK = (255, 255, 255), (70, 70, 70)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_contact_sheet(title: str, images: Sequence[NDArray[Any]], captions: Sequence[str]) -> Picture:
    """Draws images in rows.

    Args:
        title: the line above them.
        images: (C, H, W) each, of any sizes. Bytes are shown as they are; of other numbers, the smallest on
            the sheet is black and the largest white.
        captions: a line for each image.

    Returns:
        A picture (height, width, 3) in BGR.
    """
    columns = max(1, min(len(images), ceil(sqrt(1.6 * len(images)))))
    low, high = _range(images)
    cells = [
        _cell(_bytes(image, low, high), caption) for image, caption in zip(images, captions, strict=True)
    ]
    cells += [_blank(CELL + CAPTION, CELL)] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    header = _blank(HEADER, max(columns * CELL, _width(title, 0.5) + 2 * MARGIN))
    _write(header, title, MARGIN, 0.5)
    return np.vstack([header, *(_widened(row, header.shape[1]) for row in rows)])


def _range(images: Sequence[NDArray[Any]]) -> tuple[float, float]:
    finite = [image[np.isfinite(image)] for image in images if image.dtype != np.uint8]
    values = np.concatenate([np.zeros(0), *(part.ravel() for part in finite)])
    return (float(values.min()), float(values.max())) if values.size else (0.0, 255.0)


def _bytes(image: NDArray[Any], low: float, high: float) -> Picture:
    """An image (C, H, W) in BGR. Neither one channel, nor three, nor three and alpha: their mean."""
    channels = image[:3] if len(image) in (3, 4) else np.repeat(image.mean(axis=0, keepdims=True), 3, axis=0)
    if image.dtype != np.uint8:
        channels = (np.nan_to_num(channels) - low) / max(high - low, 1e-12) * 255
    return np.ascontiguousarray(np.clip(np.round(channels), 0, 255).astype(np.uint8).transpose(1, 2, 0))


def _cell(image: Picture, caption: str) -> Picture:
    cell = _blank(CELL + CAPTION, CELL)
    room = CELL - 2 * MARGIN
    scale = room / max(image.shape[:2])
    scale = min(LARGEST_SCALE, int(scale)) if scale >= 1 else scale
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    how = cv2.INTER_NEAREST if scale >= 1 else cv2.INTER_AREA
    top, left = (CELL - height) // 2, (CELL - width) // 2
    shown = cv2.resize(image, (width, height), interpolation=how)
    cell[top : top + height, left : left + width] = shown.reshape(height, width, 3)
    while caption and _width(caption, 0.4) > CELL - 2:
        caption = caption[:-1]
    _write(cell[CELL:], caption, (CELL - _width(caption, 0.4)) // 2, 0.4)
    return cell


def _blank(height: int, width: int) -> Picture:
    return np.full((height, width, 3), PAPER, np.uint8)


def _widened(row: Picture, width: int) -> Picture:
    return np.hstack([row, _blank(row.shape[0], width - row.shape[1])])


def _width(text: str, size: float) -> int:
    return int(cv2.getTextSize(text, _FONT, size, 1)[0][0])


def _write(strip: Picture, text: str, left: int, size: float) -> None:
    """Writes a line into a strip, at half its height."""
    baseline = strip.shape[0] // 2 + round(10 * size)
    cv2.putText(strip, text, (left, baseline), _FONT, size, INK, 1, cv2.LINE_AA)
