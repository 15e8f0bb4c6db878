"""What the filters of a layer look like."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import cv2
import numpy as np

from netspec.viz.canvas import FAINT, INK
from netspec.viz.pixels import Floats, Picture, blank, write

WIDTH, HEADER, FOOT, MARGIN = 1200, 62, 36, 16
_ROOM = WIDTH - 2 * MARGIN
_LARGEST_CELL, _LEAST_CELL, _GAP = 96, 12, 4
# What is negative, nothing and positive, and the frames, in BGR.
_NEGATIVE, _NOTHING, _POSITIVE = (172, 102, 33), (250, 250, 250), (43, 24, 178)
_FRAME = (200, 200, 200)


def draw_filters(weight: Floats, title: str, *, count: int | None = None, means: bool = False) -> Picture:
    """Draws a layer's filters.

    Filters of three channels are images, each stretched over the whole range. Of others each plane is drawn
    in blue for negative and red for positive numbers; those of one filter stand in a row.

    Args:
        weight: (O, I, H, W), or a matrix (O, K), which is drawn as it is; filters of 1 x 1 are a matrix, too.
        title: what stands above them.
        count: how many filters to draw at most; without it, as many as there is room for.
        means: whether to draw the mean over the channels instead of each plane.

    Returns:
        A picture (height, width, 3) in BGR.
    """
    scale = float(np.abs(np.nan_to_num(weight)).max(initial=0)) or 1.0
    shape = "x".join(map(str, weight.shape))
    if weight.ndim == 2 or weight.shape[2:] == (1, 1):
        rows = weight.reshape(len(weight), -1)[:count]
        return _framed(_matrix(rows, scale), title, f"{_part(len(rows), len(weight))} rows, {shape}", scale)
    if means:
        weight = weight.mean(1, keepdims=True)
        scale = float(np.abs(weight).max()) or 1.0
    coloured = weight.shape[1] == 3
    if coloured or weight.shape[1] == 1:
        shown = weight[:count]
        grid, told = _single(shown, scale), ""
    else:
        cell = max(_LEAST_CELL, min(_LARGEST_CELL // 2, _ROOM // weight.shape[1] - _GAP))
        shown = weight[: count or WIDTH // (cell + _GAP), : _ROOM // (cell + _GAP)]
        cells = [_enlarged(_diverging(plane, scale), cell) for one in shown for plane in one]
        grid, told = _tiled(cells, shown.shape[1]), f", {_part(shown.shape[1], weight.shape[1])} channels"
    text = f"{_part(len(shown), len(weight))} filters{told}, {shape}"
    return _framed(grid, title, text, None if coloured else scale)


def _part(shown: int, whole: int) -> str:
    return f"{shown} of {whole}" if shown < whole else str(whole)


def _single(weight: Floats, scale: float) -> Picture:
    """Filters of one cell each, row by row."""
    columns = max(1, min(len(weight), ceil(sqrt(1.6 * len(weight)))))
    cell = max(_LEAST_CELL, min(_LARGEST_CELL, _ROOM // columns - _GAP))
    images = (_stretched(one) if len(one) == 3 else _diverging(one[0], scale) for one in weight)
    return _tiled([_enlarged(image, cell) for image in images], columns)


def _stretched(image: Floats) -> Picture:
    """A filter (3, H, W) for BGR, from its smallest number to its largest."""
    low, high = float(image.min()), float(image.max())
    scaled = (image - low) / max(high - low, 1e-12) * 255
    return np.ascontiguousarray(scaled.round().astype(np.uint8).transpose(1, 2, 0))


def _diverging(plane: Floats, scale: float) -> Picture:
    """Numbers (H, W) between -scale and scale as colours."""
    share = np.clip(np.nan_to_num(plane) / scale, -1, 1)[..., np.newaxis]
    ends = np.where(share < 0, np.array(_NEGATIVE), np.array(_POSITIVE))
    mixed = np.array(_NOTHING) * (1 - np.abs(share)) + ends * np.abs(share)
    return np.ascontiguousarray(mixed.round().astype(np.uint8))


def _enlarged(image: Picture, cell: int) -> Picture:
    scale = cell / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    how = cv2.INTER_NEAREST if scale >= 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def _tiled(cells: Sequence[Picture], columns: int) -> Picture:
    """Cells side by side, row by row, each in a frame."""
    height, width = cells[0].shape[:2]
    canvas = blank(ceil(len(cells) / columns) * (height + _GAP), columns * (width + _GAP))
    for index, cell in enumerate(cells):
        top, left = index // columns * (height + _GAP), index % columns * (width + _GAP)
        canvas[top : top + height + 2, left : left + width + 2] = _FRAME
        canvas[top + 1 : top + height + 1, left + 1 : left + width + 1] = cell
    return canvas


def _matrix(weight: Floats, scale: float) -> Picture:
    image = _diverging(weight, scale)
    factor = _ROOM / max(image.shape[:2])
    factor = max(1, int(factor)) if factor >= 1 else factor
    size = tuple(max(1, round(side * factor)) for side in image.shape[1::-1])
    how = cv2.INTER_NEAREST if factor >= 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _framed(grid: Picture, title: str, below: str, scale: float | None) -> Picture:
    """With a head, and at the foot what the colours mean; no scale is for filters that are images."""
    width = max(grid.shape[1] + 2 * MARGIN, 420)
    head, foot, body = blank(HEADER, width), blank(FOOT, width), blank(len(grid), width)
    write(head, title, (MARGIN, 22), size=17, bold=True, colour=INK)
    write(head, below, (MARGIN, 45), colour=FAINT)
    body[:, MARGIN : MARGIN + grid.shape[1]] = grid
    if scale is None:
        write(foot, "each filter from its least to its largest number", (MARGIN, FOOT / 2), size=12)
    else:
        _draw_scale(foot, scale)
    return np.vstack([head, body, foot])


def _draw_scale(foot: Picture, scale: float) -> None:
    """A bar of the colours, with what they stand for."""
    left, length, middle = MARGIN + 62, 180, FOOT // 2
    numbers = np.linspace(-scale, scale, length, dtype=np.float32)[np.newaxis]
    foot[middle - 6 : middle + 6, left : left + length] = _diverging(np.repeat(numbers, 12, 0), scale)
    write(foot, f"{-scale:.3g}", (left - 8, middle), size=12, anchor="end")
    write(foot, f"{scale:.3g}", (left + length + 8, middle), size=12)
