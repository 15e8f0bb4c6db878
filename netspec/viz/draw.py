"""Drawings of graphs: as SVG, as pixels, or as text for graphviz. Needs no other program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2

from netspec.viz.canvas import FAINT, INK, Canvas, Picture, PixelCanvas, SvgCanvas
from netspec.viz.layout import (
    FONT,
    LINE,
    PART_HEIGHT,
    Box,
    Direction,
    Edge,
    Layout,
    Point,
    lay_out,
    text_width,
)

__all__ = ["FORMATS", "Box", "Direction", "Drawing", "Edge", "Sheet"]

FORMATS = ("svg", "png", "jpg", "jpeg", "bmp", "dot", "gv", "raw")

_CORNER = 7
_BORDER, _STRONG_BORDER = 1, 2.5
_PANEL_GAP, _HEAD, _SWATCH, _LEGEND_GAP, _MARGIN = 48, 30, 14, 22, 16
_TITLE, _CAPTION = 18, 13
# Beyond so many pixels a picture is not drawn at twice the size.
_LARGE = 80_000_000


@dataclass(frozen=True)
class Drawing:
    """A graph to be drawn. Edges lead in the direction: TB is from the top to the bottom."""

    name: str
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    direction: Direction = "TB"

    @cached_property
    def layout(self) -> Layout:
        """Where everything is.

        Raises:
            KeyError: an edge leads to no box.
        """
        return lay_out(self.boxes, self.edges, self.direction)

    def encode(self, format: str) -> bytes:
        """The drawing as the content of a file.

        Raises:
            ValueError: ``format`` is none of `FORMATS`.
        """
        return self._sheet.encode(format)

    def dot(self) -> str:
        """Text for graphviz."""
        return self._sheet.dot()

    def svg(self) -> str:
        """The drawing as an SVG document."""
        return self._sheet.svg()

    def pixels(self) -> Picture:
        """The drawing as an image (H, W, 3), BGR."""
        return self._sheet.pixels()

    @property
    def _sheet(self) -> Sheet:
        return Sheet(self.name, (self,), self.direction)

    def write(self, path: Path) -> None:
        """Writes the drawing in the format that the file's suffix names.

        Raises:
            ValueError: there is no such format.
            OSError: the file cannot be written.
        """
        path.write_bytes(self.encode(path.suffix.removeprefix(".")))


@dataclass(frozen=True)
class Sheet:
    """Drawings side by side.

    Attributes:
        name: what a reader of the file is told about it.
        drawings: each has its name above it, if there is a title or a legend or more than one.
        title: what stands above all of them.
        legend: what colours mean.
    """

    name: str
    drawings: tuple[Drawing, ...]
    direction: Direction = "TB"
    title: str = ""
    legend: dict[str, str] = field(default_factory=dict)

    def encode(self, format: str) -> bytes:
        """The sheet as the content of a file.

        Raises:
            ValueError: ``format`` is none of `FORMATS`.
        """
        format = format.lower()
        if format not in FORMATS:
            raise ValueError(f"cannot draw as '{format}': expected one of {', '.join(FORMATS)}")
        if format == "svg":
            return self.svg().encode()
        if format in ("dot", "gv", "raw"):
            return self.dot().encode()
        _, data = cv2.imencode(f".{format}", self.pixels())
        return bytes(data)

    def svg(self) -> str:
        """The sheet as an SVG document."""
        canvas = SvgCanvas(self._size, self.name)
        self._draw(canvas)
        return canvas.document()

    def pixels(self) -> Picture:
        """The sheet as an image (H, W, 3), BGR."""
        width, height = self._size
        canvas = PixelCanvas(self._size, 2 if 4 * width * height < _LARGE else 1)
        self._draw(canvas)
        return canvas.picture()

    def dot(self) -> str:
        """Text for graphviz; of several drawings each is a cluster."""
        lines = [f"digraph {_quoted(self.name)} {{", f"  rankdir={self.direction};"]
        for index, drawing in enumerate(self.drawings):
            if not self._has_heads:
                lines += _dot(drawing, "  ", "")
                continue
            lines += [f"  subgraph cluster_{index} {{", f"    label={_quoted(drawing.name)};"]
            lines += [*_dot(drawing, "    ", self.prefix(index)), "  }"]
        if self.legend:
            lines += ["  subgraph cluster_legend {", '    label="legend";']
            for text, fill in self.legend.items():
                look = f'shape=box, style=filled, fillcolor="{fill}"'
                lines.append(f"    {_quoted(f'legend/{text}')} [label={_quoted(text)}, {look}];")
            lines.append("  }")
        return "\n".join([*lines, "}", ""])

    def prefix(self, index: int) -> str:
        """What the ids of a drawing's boxes begin with, so that those of several differ."""
        return f"{index}/" if len(self.drawings) > 1 else ""

    # ----------------------------------------------------------------------------------------------------

    @property
    def _has_heads(self) -> bool:
        return bool(self.title or self.legend or len(self.drawings) > 1)

    @property
    def _top(self) -> float:
        """Where the drawings begin."""
        if not self._has_heads:
            return 0
        title, legend = (_HEAD + 6 if part else 0 for part in (self.title, self.legend))
        return _MARGIN + title + legend * self._legend_rows + _HEAD

    @property
    def _size(self) -> Point:
        breadth = self._breadth
        heights = [drawing.layout.size[1] for drawing in self.drawings]
        return breadth, self._top + max(heights, default=0)

    @property
    def _breadth(self) -> float:
        widths = [self._width(drawing) for drawing in self.drawings]
        title = text_width(self.title, bold=True) * _TITLE / FONT + 2 * _MARGIN if self.title else 0
        return max(sum(widths) + _PANEL_GAP * (len(widths) - 1), title, 560 if self.legend else 0)

    @property
    def _legend_rows(self) -> int:
        return 1 + max((row for row, _, _ in self._legend_places()), default=0)

    def _legend_places(self) -> list[tuple[int, float, str]]:
        """The row and the left end of each entry of the legend."""
        places, row, x = [], 0, float(_MARGIN)
        for text in self.legend:
            width = _SWATCH + 6 + text_width(text)
            if x > _MARGIN and x + width > self._breadth - _MARGIN:
                row, x = row + 1, float(_MARGIN)
            places.append((row, x, text))
            x += width + _LEGEND_GAP
        return places

    def _width(self, drawing: Drawing) -> float:
        """A drawing's width, or that of its name where it is wider."""
        name = text_width(drawing.name, bold=True) * _CAPTION / FONT + 2 * _MARGIN if self._has_heads else 0
        return max(drawing.layout.size[0], name)

    def _draw(self, canvas: Canvas) -> None:
        y = float(_MARGIN)
        if self.title:
            canvas.text(self.title, (_MARGIN, y + _HEAD / 2), size=_TITLE, bold=True)
            y += _HEAD + 6
        for row, x, text in self._legend_places():
            middle = y + row * (_HEAD - 6) + _HEAD / 2
            swatch = _rectangle(x, middle - _SWATCH / 2, _SWATCH, _SWATCH)
            canvas.polygon(swatch, self.legend[text], INK)
            canvas.text(text, (x + _SWATCH + 6, middle))
        x = 0.0
        for index, drawing in enumerate(self.drawings):
            if self._has_heads:
                place = (x + _MARGIN, self._top - _HEAD / 2)
                canvas.text(drawing.name, place, size=_CAPTION, bold=True, colour=FAINT)
            spare = self._width(drawing) - drawing.layout.size[0]
            _draw(canvas, drawing, (x + spare / 2, self._top), self.prefix(index))
            x += self._width(drawing) + _PANEL_GAP


# One drawing ---------------------------------------------------------------------------------------------


def _draw(canvas: Canvas, drawing: Drawing, origin: Point, prefix: str) -> None:
    layout = drawing.layout
    dx, dy = origin

    def moved(points: Sequence[Point]) -> list[Point]:
        return [(x + dx, y + dy) for x, y in points]

    for edge in drawing.edges:
        path = moved(layout.paths[edge])
        with canvas.group(data_tail=prefix + edge.tail, data_head=prefix + edge.head):
            canvas.line(path, layout.upright)
            canvas.polygon(_arrow(path, layout.upright), INK)
    for box in drawing.boxes:
        _draw_box(canvas, box, moved([layout.centres[box.key]])[0], prefix)
    for edge, place in layout.labels.items():
        canvas.text(edge.label, moved([place])[0], size=FONT - 1, colour=FAINT, halo=True)


def _draw_box(canvas: Canvas, box: Box, centre: Point, prefix: str) -> None:
    width, height = box.size
    left, bottom = centre[0] - width / 2, centre[1] + height / 2
    with canvas.group(box.hint, id=prefix + box.key, data_layer=box.key):
        border = _STRONG_BORDER if box.strong else _BORDER
        canvas.polygon(_outline(box, centre), box.fill, INK, border)
        for line, place in _lines(box, centre):
            first = box.titled and line is box.lines[0]
            canvas.text(line, place, anchor="middle", bold=first)
        for index, part in enumerate(box.parts):
            top = bottom - (len(box.parts) - index) * PART_HEIGHT
            with canvas.group(part.hint, id=prefix + part.key, data_layer=part.key):
                canvas.polygon(_rectangle(left, top, width, PART_HEIGHT), part.fill, INK)
                middle = top + PART_HEIGHT / 2
                canvas.text(part.texts[0], (left + 6, middle), size=FONT - 1)
                canvas.text(part.texts[1], (left + width - 6, middle), anchor="end", size=FONT - 1)


def _lines(box: Box, centre: Point) -> Iterator[tuple[str, Point]]:
    """The lines of a box's text, each with its middle."""
    middle = centre[1] - len(box.parts) * PART_HEIGHT / 2
    for index, line in enumerate(box.lines):
        yield line, (centre[0], middle + (index - (len(box.lines) - 1) / 2) * LINE)


def _outline(box: Box, centre: Point) -> list[Point]:
    (x, y), (width, height) = centre, box.size
    w, h = width / 2, height / 2
    if box.shape == "box":
        return _rectangle(x - w, y - h, width, height)
    c = _CORNER
    right = [(x + w - c, y - h), (x + w, y - h + c), (x + w, y + h - c), (x + w - c, y + h)]
    return [*right, *((2 * x - a, b) for a, b in reversed(right))]


def _rectangle(left: float, top: float, width: float, height: float) -> list[Point]:
    return [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]


def _arrow(path: Sequence[Point], upright: bool) -> list[Point]:
    """The tip at the end of a path."""
    (x, y), along = path[-1], int(upright)
    a, b = next((point for point in reversed(path) if point[along] != path[-1][along]), path[0])
    u, v = (0, 8 if y > b else -8) if upright else (8 if x > a else -8, 0)
    return [(x, y), (x - u - v * 0.4, y - v + u * 0.4), (x - u + v * 0.4, y - v - u * 0.4)]


# Text for graphviz ---------------------------------------------------------------------------------------


def _dot(drawing: Drawing, indent: str, prefix: str) -> Iterator[str]:
    for box in drawing.boxes:
        key, width = _quoted(prefix + box.key), ", penwidth=3" if box.strong else ""
        shape = "octagon" if box.shape == "octagon" and not box.parts else "record"
        # What a record gives a meaning to is written as it is.
        special = "\\{}<>| " if shape == "record" else ""
        text = "\\n".join(_escaped(line, special) for line in box.lines)
        if box.parts:
            cells = (_escaped("  ".join(filter(None, part.texts)), special) for part in box.parts)
            text = f"{{{'|'.join([text, *cells])}}}"
        look = f'shape={shape}, style=filled, fillcolor="{box.fill}"{width}'
        yield f'{indent}{key} [label="{text}", {look}];'
    for edge in drawing.edges:
        label = f" [label={_quoted(edge.label)}]" if edge.label else ""
        yield f"{indent}{_quoted(prefix + edge.tail)} -> {_quoted(prefix + edge.head)}{label};"


def _escaped(text: str, special: str) -> str:
    return "".join(f"\\{char}" if char in special or char in '"\\' else char for char in text)


def _quoted(text: str) -> str:
    return f'"{_escaped(text, "")}"'
