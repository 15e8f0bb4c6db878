"""Where spatial transformers look: test inputs with the sampled quadrilateral, and what is handed on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.graph.graph import Node
    from netspec.layers.spatial_transformer import SpatialTransformer

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = tuple[int, int, int]

WIDTH, LEAST_WIDTH = 1200, 940
LARGEST_CELL = 220
# How much of a cell's width stays free on each side of the image: a quadrilateral may reach beyond it.
MARGIN = 0.13
HEADER, CAPTION, LEGEND = 30, 24, 34

PAPER: Colour = (255, 255, 255)
TILE: Colour = (238, 238, 238)
INK: Colour = (70, 70, 70)
SHADOW: Colour = (30, 30, 30)
OUTLINE: Colour = (0, 200, 255)
FIRST: Colour = (80, 60, 245)
RIGHT: Colour = (70, 140, 20)
WRONG: Colour = (40, 40, 210)

# cv2 draws at fractions of a pixel when told by how many bits the coordinates are scaled.
_SHIFT = 4


@dataclass(frozen=True)
class Glance:
    """What one spatial transformer did to a batch.

    Attributes:
        layer: the layer's name.
        images: its bottom, (N, C, H, W).
        thetas: the affine matrices, fixed entries included, (N, 2, 3).
        tops: what it hands on, (N, C, H', W').
    """

    layer: str
    images: Floats
    thetas: Floats
    tops: Floats


@dataclass(frozen=True)
class Verdict:
    """What the net says of one test input, and what it is."""

    said: str
    truth: str


def transformers(net: Net) -> list[Node]:
    """The spatial transformers of a net, in the order of the text."""
    from netspec.layers.spatial_transformer import SpatialTransformer

    return [node for node in net.graph.nodes if isinstance(node.layer, SpatialTransformer)]


def draw_transformers(net: Net, feeds: Mapping[str, Tensor] | None = None, *, count: int = 8) -> Picture:
    """Draws, for each spatial transformer of a net, what it looks at and what it hands on.

    Args:
        net: a net with at least one layer of type SpatialTransformer.
        feeds: the blobs to feed; data layers that are not fed draw their next batch.
        count: how many items of the batch to show.

    Returns:
        A picture (height, width, 3) in BGR. Each transformer gets an upper row, its inputs with the sampled
        quadrilateral, whose first corner (the top left of what is handed on) has another colour, and a lower
        row, its tops. The prediction stands below where an Accuracy layer tells it.

    Raises:
        ValueError: the net has no spatial transformer.
    """
    glances, verdicts = _observe(net, feeds or {})
    if not glances:
        raise ValueError(f"net '{net.graph.name}' has no spatial transformer")
    columns = min(count, *(len(glance.images) for glance in glances))
    cell = min(LARGEST_CELL, WIDTH // columns)
    panels = [_panel(glance, verdicts, columns, cell) for glance in glances]
    return np.vstack([*panels, _legend(panels[0].shape[1], bool(verdicts))])


def save(picture: Picture, file: Path) -> None:
    """Writes a picture as the suffix of ``file`` says, PNG as a rule.

    Raises:
        OSError: the file cannot be written.
    """
    _, encoded = cv2.imencode(file.suffix, picture)
    file.write_bytes(encoded.tobytes())


def corners(theta: Floats, height: int, width: int) -> Floats:
    """The quadrilateral of a (height, width) image that a transformer samples.

    The corners of its top, (0, 0), (0, W'), (H', W') and (H', 0), lie at -1 and 1 in the grid's coordinates,
    rows first; theta takes them to (p_h, p_w), and (p + 1) / 2 of the image's size is the place.

    Args:
        theta: the affine matrix, (2, 3).

    Returns:
        The four corners as (x, y) in pixels from the image's top left edge, (4, 2).
    """
    ends = np.array([[-1, -1, 1], [-1, 1, 1], [1, 1, 1], [1, -1, 1]], np.float32)
    rows, columns = (ends @ theta.T).T
    return np.stack([(columns + 1) / 2 * width, (rows + 1) / 2 * height], axis=1)


# What happens in the net ----------------------------------------------------------------------------------


def _observe(net: Net, feeds: Mapping[str, Tensor]) -> tuple[list[Glance], list[Verdict]]:
    """Runs one batch through the net and notes what its transformers and Accuracy layers see."""
    seen: dict[Any, tuple[Any, Any]] = {}

    def note(module: Any, bottoms: Any, tops: Any) -> None:
        seen[module] = (bottoms, tops)

    judges = [node for node in net.graph.nodes if node.layer.spec.type == "Accuracy"]
    with ExitStack() as hooks, torch.no_grad():
        for node in [*transformers(net), *judges]:
            hooks.enter_context(node.layer.register_forward_hook(note))
        net(**feeds)
    glances = [_glance(node, *seen[node.layer]) for node in transformers(net)]
    return glances, _verdicts([(node.layer, *seen[node.layer][0]) for node in judges])


def _glance(node: Node, bottoms: tuple[Tensor, ...], top: Tensor) -> Glance:
    image, theta = bottoms
    layer = cast("SpatialTransformer", node.layer)
    return Glance(layer.name, _floats(image), _floats(layer.matrices(theta)), _floats(top))


def _verdicts(judged: list[tuple[Any, Tensor, Tensor]]) -> list[Verdict]:
    """One verdict per item of the batch, of all Accuracy layers together; they may judge a digit each."""
    said, truth = [], []
    for layer, scores, labels in judged:
        best = scores.argmax(layer.class_axis)
        said.append(best.reshape(len(scores), -1))
        truth.append(labels.reshape(len(scores), -1).long())
    if len({len(items) for items in said}) != 1:
        return []
    words = (_words(torch.cat(items, dim=1)) for items in (said, truth))
    return [Verdict(*pair) for pair in zip(*words, strict=True)]


def _words(classes: Tensor) -> list[str]:
    return [" ".join(map(str, item)) for item in classes.tolist()]


def _floats(tensor: Tensor) -> Floats:
    return np.asarray(tensor.detach().float().cpu().numpy(), np.float32)


# What is drawn --------------------------------------------------------------------------------------------


def _panel(glance: Glance, verdicts: list[Verdict], columns: int, cell: int) -> Picture:
    """One transformer's two rows under its name, with captions."""
    low, high = _range(glance.images)
    captions = verdicts if len(verdicts) == len(glance.images) else []
    strips = []
    for index in range(columns):
        image, top = (_bytes(blob[index], low, high) for blob in (glance.images, glance.tops))
        upper = _tile(image, cell)
        _draw_quadrilateral(upper, glance.thetas[index], image, cell)
        caption = _blank(CAPTION, cell)
        if captions:
            _draw_verdict(caption, captions[index])
        strips.append(np.vstack([upper, _tile(top, cell), caption]))
    row = _widened(np.hstack(strips))
    header = _blank(HEADER, row.shape[1])
    sizes = " -> ".join("x".join(map(str, blob.shape[2:])) for blob in (glance.images, glance.tops))
    _write(header, f"{glance.layer}   {sizes}", 8, INK, 0.5)
    return np.vstack([header, row])


def _range(images: Floats) -> tuple[float, float]:
    """What is black and what is white: 0 and 1 for numbers that fill that range, else the extremes."""
    low, high = float(images.min()), float(images.max())
    return (0.0, 1.0) if low >= 0 and 0.5 < high <= 1 else (low, max(high, low + 1e-6))


def _bytes(image: Floats, low: float, high: float) -> Picture:
    """A blob (C, H, W) as an image in BGR; neither one channel nor three: the mean over the channels."""
    channels = image if len(image) == 3 else np.repeat(image.mean(axis=0, keepdims=True), 3, axis=0)
    scaled = np.clip((channels - low) / (high - low), 0, 1) * 255
    return np.ascontiguousarray(scaled.round().astype(np.uint8).transpose(1, 2, 0))


def _blank(height: int, width: int) -> Picture:
    return np.full((height, width, 3), PAPER, np.uint8)


def _widened(row: Picture) -> Picture:
    """With paper on the right where a few columns leave no room for the legend."""
    return np.hstack([row, _blank(row.shape[0], max(0, LEAST_WIDTH - row.shape[1]))])


def _place(image: Picture, cell: int) -> tuple[float, int, int]:
    """How an image sits in a cell: its scale, and the (x, y) of its top left edge."""
    height, width = image.shape[:2]
    scale = cell * (1 - 2 * MARGIN) / max(height, width)
    return scale, (cell - round(width * scale)) // 2, (cell - round(height * scale)) // 2


def _tile(image: Picture, cell: int) -> Picture:
    """A cell with the image in its middle."""
    tile = _blank(cell, cell)
    tile[2:-2, 2:-2] = TILE
    scale, left, top = _place(image, cell)
    width, height = round(image.shape[1] * scale), round(image.shape[0] * scale)
    shown = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    tile[top : top + height, left : left + width] = shown
    return tile


def _draw_quadrilateral(tile: Picture, theta: Floats, image: Picture, cell: int) -> None:
    scale, left, top = _place(image, cell)
    points = corners(theta, *image.shape[:2]) * scale + (left, top)
    # Pixel 0 spans 0 to 1 here, but -0.5 to 0.5 for cv2; and a wild theta must not overflow its integers.
    fixed = np.clip((points - 0.5) * (1 << _SHIFT), -1e6, 1e6).round().astype(np.int32)
    for colour, thickness in ((SHADOW, 4), (OUTLINE, 2)):
        cv2.polylines(tile, [fixed], True, colour, thickness, cv2.LINE_AA, _SHIFT)
    for index, point in reversed(list(enumerate(fixed.tolist()))):
        _draw_dot(tile, point, FIRST if index == 0 else OUTLINE, radius=5 if index == 0 else 4)


def _draw_dot(tile: Picture, point: list[int], colour: Colour, radius: int) -> None:
    for shade, size in ((SHADOW, radius + 1), (colour, radius)):
        cv2.circle(tile, point, size << _SHIFT, shade, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _draw_verdict(strip: Picture, verdict: Verdict) -> None:
    right = verdict.said == verdict.truth
    text = verdict.said if right else f"{verdict.said}, not {verdict.truth}"
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    _write(strip, text, (strip.shape[1] - width) // 2, RIGHT if right else WRONG, 0.5)


def _legend(width: int, judged: bool) -> Picture:
    strip = _blank(LEGEND, width)
    _draw_dot(strip, [14 << _SHIFT, LEGEND // 2 << _SHIFT], FIRST, 5)
    text = "becomes the top left corner    upper row: where it looks    lower row: what it hands on"
    if judged:
        text += "    green: predicted right    red: predicted wrong"
    _write(strip, text, 26, INK, 0.4)
    return strip


def _write(strip: Picture, text: str, left: int, colour: Colour, size: float) -> None:
    """Writes a line into a strip, at half its height."""
    baseline = strip.shape[0] // 2 + round(10 * size)
    cv2.putText(strip, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
