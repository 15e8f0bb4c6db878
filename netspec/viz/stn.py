"""Where spatial transformers look: inputs with the quadrilateral that is sampled, and what is handed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import torch
from torch import Tensor

from netspec.viz.canvas import FAINT, INK
from netspec.viz.pixels import (
    Floats,
    Picture,
    blank,
    save,
    to_pixels,
    value_range,
    widened,
    write,
)

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.graph.graph import Node
    from netspec.layers.spatial_transformer import SpatialTransformer

__all__ = [
    "Glance",
    "Observation",
    "Verdict",
    "draw_observation",
    "draw_strip",
    "draw_transformers",
    "observe",
    "outlines",
    "pages",
    "save",
    "transformers",
]

Colour = tuple[int, int, int]

WIDTH, LEAST_WIDTH = 1200, 620
LARGEST_CELL = 300
# How much of a cell's width stays free on each side of the image: a quadrilateral may reach beyond it.
MARGIN = 0.13
TITLE, HEADER, CAPTION, LEGEND, LABEL = 40, 30, 22, 34, 92

TILE: Colour = (238, 238, 238)
SHADOW: Colour = (30, 30, 30)
OUTLINE: Colour = (0, 170, 255)
DOT: Colour = (255, 255, 255)
FIRST: Colour = (60, 40, 230)
RIGHT, WRONG = "#14861e", "#d22828"

# cv2 draws at fractions of a pixel when told by how many bits the coordinates are scaled.
_SHIFT = 4
_EDGE = 12  # points along an edge: a spline bends it


@dataclass(frozen=True)
class Glance:
    """What one spatial transformer did to a batch.

    Attributes:
        layer: the layer's name.
        images: its bottom, (N, C, H, W).
        outlines: what it looks at, (N, 4 k, 2), see `outlines`.
        tops: what it hands on, (N, C, H', W').
    """

    layer: str
    images: Floats
    outlines: Floats
    tops: Floats


@dataclass(frozen=True)
class Verdict:
    """What the net says of one input, and what it is."""

    said: str
    truth: str


@dataclass(frozen=True)
class Observation:
    """What a net's transformers did to a batch, what the net said of each item, and what it was fed."""

    glances: tuple[Glance, ...]
    verdicts: tuple[Verdict, ...]
    feeds: Mapping[str, Tensor]

    def __len__(self) -> int:
        return min((len(glance.images) for glance in self.glances), default=0)

    def part(self, items: slice) -> Observation:
        """Some of the items. What the net was fed stays whole."""
        glances = (
            replace(one, images=one.images[items], outlines=one.outlines[items], tops=one.tops[items])
            for one in self.glances
        )
        return Observation(tuple(glances), self.verdicts[items], self.feeds)

    def of(self, layers: Sequence[str]) -> Observation:
        """What these transformers alone did."""
        glances = tuple(one for one in self.glances if one.layer in layers)
        return Observation(glances, self.verdicts, self.feeds)


def joined(observations: Sequence[Observation]) -> Observation:
    """The items of several batches in a row; what the net was fed is that of the first."""
    glances = (
        Glance(
            same[0].layer,
            np.concatenate([one.images for one in same]),
            np.concatenate([one.outlines for one in same]),
            np.concatenate([one.tops for one in same]),
        )
        for same in zip(*(one.glances for one in observations), strict=True)
    )
    verdicts = tuple(verdict for one in observations for verdict in one.verdicts)
    return Observation(tuple(glances), verdicts, observations[0].feeds)


def pages(observations: Iterable[Observation], count: int) -> Iterator[Observation]:
    """Batches as pages of so many items each, the last one maybe of fewer."""
    waiting: list[Observation] = []
    for observation in observations:
        waiting.append(observation)
        while sum(map(len, waiting)) >= count:
            together = joined(waiting)
            yield together.part(slice(count))
            rest = together.part(slice(count, None))
            waiting = [rest] if len(rest) else []
    if waiting:
        yield joined(waiting)


def transformers(net: Net) -> list[Node]:
    """The spatial transformers of a net, in the order of the text."""
    from netspec.layers.spatial_transformer import SpatialTransformer

    return [node for node in net.graph.nodes if isinstance(node.layer, SpatialTransformer)]


def draw_transformers(net: Net, feeds: Mapping[str, Tensor] | None = None, *, count: int = 9) -> Picture:
    """Draws, for each spatial transformer of a net, what it looks at and what it hands on.

    Args:
        net: a net with at least one layer of type SpatialTransformer.
        feeds: the blobs to feed; data layers that are not fed draw their next batch.
        count: how many items of the batch to show.

    Returns:
        A picture (height, width, 3) in BGR, see `draw_observation`.

    Raises:
        ValueError: the net has no spatial transformer.
    """
    if not transformers(net):
        raise ValueError(f"net '{net.graph.name}' has no spatial transformer")
    return draw_observation(observe(net, feeds or {}).part(slice(count)))


def outlines(layer: SpatialTransformer, theta: Tensor, height: int, width: int) -> Floats:
    """The edges of what a transformer samples of (height, width) images.

    The corners of its top, (0, 0), (0, W'), (H', W') and (H', 0), lie at -1 and 1 in the grid's coordinates,
    row first; theta takes them, and points in between, to places on the image's plane. With aligned corners,
    -1 and 1 are the centres of the outer pixels; else (p + 1) / 2 of the image's size is the place.

    Args:
        theta: the layer's second bottom, (N, ...).

    Returns:
        As (x, y) in pixels from the image's top left edge, (N, 4 k, 2); the corners are each k-th point.
    """
    along = np.linspace(-1, 1, _EDGE, endpoint=False)
    ones = np.ones(_EDGE)
    sides = [(-ones, along), (along, ones), (ones, -along), (-along, -ones)]  # (row, column), clockwise
    points = np.concatenate([np.stack(side, 1) for side in sides])
    by_row = layer.plane.row_first
    places = _floats(layer.trace(theta, points if by_row else points[:, ::-1]))
    size, shift = np.array([width, height]), 0.0
    if layer.plane.aligned:
        size, shift = size - 1, 0.5
    found: Floats = (places[..., ::-1] if by_row else places) / 2 * size + (size / 2 + shift)
    return found


# What happens in the net ----------------------------------------------------------------------------------


def observe(net: Net, feeds: Mapping[str, Tensor]) -> Observation:
    """Runs one batch through the net and notes what its transformers and Accuracy layers see.

    Raises:
        NetspecError: an input is not fed, or a batch could not be drawn.
    """
    seen: dict[Any, tuple[Any, Any]] = {}

    def note(module: Any, bottoms: Any, tops: Any) -> None:
        seen[module] = (bottoms, tops)

    judges = [node for node in net.graph.nodes if node.layer.spec.type == "Accuracy"]
    with ExitStack() as hooks, torch.no_grad():
        for node in [*transformers(net), *judges]:
            hooks.enter_context(node.layer.register_forward_hook(note))
        out = net(**feeds)
    glances = [_glance(node, *seen[node.layer]) for node in transformers(net)]
    verdicts = _verdicts([(node.layer, *seen[node.layer][0]) for node in judges])
    items = min((len(glance.images) for glance in glances), default=0)
    sources = [top.name for node in net.graph.sources for top in node.tops]
    fed = {name: feeds[name] if name in feeds else out[name] for name in sources}
    return Observation(tuple(glances), tuple(verdicts) if len(verdicts) == items else (), fed)


def _glance(node: Node, bottoms: tuple[Tensor, ...], top: Tensor) -> Glance:
    image, theta = bottoms
    layer = cast("SpatialTransformer", node.layer)
    return Glance(layer.name, _floats(image), outlines(layer, theta, *image.shape[2:]), _floats(top))


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


def draw_observation(
    observation: Observation, *, title: str = "", captions: Sequence[str] = (), width: int = WIDTH
) -> Picture:
    """Each transformer's items in a grid of pairs.

    Args:
        title: what stands above it, as the step of a film.
        captions: what stands below each pair, before the prediction where an Accuracy layer tells it.
        width: of the picture at most.

    Returns:
        A picture (height, width, 3) in BGR. Left in each pair is the input with the sampled quadrilateral;
        its corners are white dots, and that which becomes the top left of what is handed on has a ring in
        another colour. Right is what is handed on.
    """
    count = len(observation)
    columns = max(1, ceil(sqrt(count)))
    cell = min(LARGEST_CELL, width // (2 * columns))
    below = [_caption(observation, index, captions, 2 * cell) for index in range(count)]
    panels = []
    for glance in observation.glances:
        pairs = [np.vstack([_pair(glance, index, cell), below[index]]) for index in range(count)]
        pairs += [blank(cell + CAPTION, 2 * cell)] * (-count % columns)
        rows = [np.hstack(pairs[start : start + columns]) for start in range(0, len(pairs), columns)]
        panels.append(np.vstack([_header(glance, 2 * cell * columns), *rows]))
    return _framed(panels, title, bool(observation.verdicts))


def draw_strip(rows: Sequence[tuple[str, Observation]], *, column: str, width: int = WIDTH) -> Picture:
    """The same items in each row, as they fare at another time: a label, and a pair for each item.

    Args:
        column: what the labels are.

    Returns:
        A picture (height, width, 3) in BGR; of several transformers, one below the other.
    """
    count = min(len(observation) for _, observation in rows)
    cell = min(LARGEST_CELL, (width - LABEL) // (2 * count))
    panels = []
    for index, glance in enumerate(rows[0][1].glances):
        above = blank(HEADER, LABEL)
        write(above, column, (LABEL - 12, HEADER / 2), anchor="end")
        lines = [np.hstack([above, _header(glance, 2 * cell * count)])]
        for label, observation in rows:
            pairs = [_pair(observation.glances[index], item, cell) for item in range(count)]
            name = blank(cell, LABEL)
            write(name, label, (LABEL - 12, cell / 2), size=15, bold=True, colour=INK, anchor="end")
            lines.append(np.hstack([name, *pairs]))
        panels.append(np.vstack(lines))
    return _framed(panels, "", judged=False)


def _framed(panels: Sequence[Picture], title: str, judged: bool) -> Picture:
    """Panels below each other, with a title and a legend."""
    width = max(LEAST_WIDTH, *(panel.shape[1] for panel in panels))
    parts = [widened(panel, width) for panel in panels]
    if title:
        head = blank(TITLE, width)
        write(head, title, (12, TITLE / 2 + 2), size=18, bold=True, colour=INK)
        parts.insert(0, head)
    return np.vstack([*parts, _legend(width, judged)])


def _header(glance: Glance, width: int) -> Picture:
    header = blank(HEADER, width)
    sizes = " \u2192 ".join("x".join(map(str, blob.shape[2:])) for blob in (glance.images, glance.tops))
    write(header, f"{glance.layer}   {sizes}", (12, HEADER / 2), colour=FAINT)
    return header


def _pair(glance: Glance, index: int, cell: int) -> Picture:
    """An input with its quadrilateral, and what became of it."""
    low, high = value_range(glance.images)
    image, top = (to_pixels(blob[index], low, high) for blob in (glance.images, glance.tops))
    left = _tile(image, cell)
    _draw_outline(left, glance.outlines[index], image, cell)
    pair = np.hstack([left, _tile(top, cell)])
    pair[2:-2, cell - 2 : cell + 2] = TILE
    return pair


def _caption(observation: Observation, index: int, captions: Sequence[str], width: int) -> Picture:
    strip = blank(CAPTION, width)
    said = captions[index] if captions else ""
    if observation.verdicts:
        verdict = observation.verdicts[index]
        right = verdict.said == verdict.truth
        text = verdict.said if right else f"{verdict.said}, not {verdict.truth}"
        text = f"{said}: {text}" if said else text
        write(strip, text, (width / 2, CAPTION / 2), colour=RIGHT if right else WRONG, anchor="middle")
    elif said:
        write(strip, said, (width / 2, CAPTION / 2), anchor="middle")
    return strip


def _place(image: Picture, cell: int) -> tuple[float, int, int]:
    """How an image sits in a cell: its scale, and the (x, y) of its top left edge."""
    height, width = image.shape[:2]
    scale = cell * (1 - 2 * MARGIN) / max(height, width)
    return scale, (cell - round(width * scale)) // 2, (cell - round(height * scale)) // 2


def _tile(image: Picture, cell: int) -> Picture:
    """A cell with the image in its middle."""
    tile = blank(cell, cell)
    tile[2:-2, 2:-2] = TILE
    scale, left, top = _place(image, cell)
    width, height = (max(1, round(side * scale)) for side in (image.shape[1], image.shape[0]))
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    tile[top : top + height, left : left + width] = cv2.resize(image, (width, height), interpolation=how)
    return tile


def _draw_outline(tile: Picture, outline: Floats, image: Picture, cell: int) -> None:
    scale, left, top = _place(image, cell)
    points = np.nan_to_num(outline) * scale + (left, top)
    # Pixel 0 spans 0 to 1 here, but -0.5 to 0.5 for cv2; and a wild theta must not overflow its integers.
    fixed = np.clip((points - 0.5) * (1 << _SHIFT), -1e6, 1e6).round().astype(np.int32)
    fine = cell < 110
    for colour, thickness in ((SHADOW, 2 if fine else 4), (OUTLINE, 1 if fine else 2)):
        cv2.polylines(tile, [fixed], True, colour, thickness, cv2.LINE_AA, _SHIFT)
    for index, point in reversed(list(enumerate(fixed[::_EDGE].tolist()))):
        _draw_dot(tile, point, FIRST if index == 0 else SHADOW, radius=3 if fine else 4)


def _draw_dot(tile: Picture, point: list[int], rim: Colour, radius: int) -> None:
    around = radius + (2 if rim is FIRST else 1)
    for shade, size in ((rim, around), (DOT, radius)):
        cv2.circle(tile, point, size << _SHIFT, shade, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _legend(width: int, judged: bool) -> Picture:
    strip = blank(LEGEND, width)
    _draw_dot(strip, [16 << _SHIFT, LEGEND // 2 << _SHIFT], FIRST, 4)
    text = "becomes the top left corner    left: where it looks    right: what it hands on"
    colours = "    green: predicted right, red: wrong" if judged else ""
    write(strip, text + (colours if width > 900 else ""), (30, LEGEND / 2), size=12)
    return strip
