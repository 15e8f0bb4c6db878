"""What drawings are painted on: text in SVG, or pixels. Both take the same calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from xml.sax.saxutils import escape, quoteattr

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.viz.layout import FONT, Point

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Picture = NDArray[np.uint8]
Anchor = Literal["start", "middle", "end"]

INK, FAINT, PAPER = "#333333", "#6b6b6b", "#ffffff"
FONTS = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
_HALO = 3  # pixels of paper around a text that may lie on a line
_STEPS = 24  # of a curve that is painted as a polygon
ANCHORS: dict[Anchor, str] = {"start": "lm", "middle": "mm", "end": "rm"}


class Canvas(Protocol):
    """Takes shapes in the order in which they cover each other."""

    def group(self, hint: str = "", **attributes: str) -> AbstractContextManager[None]:
        """What is drawn inside belongs together; the attributes say to what."""

    def polygon(self, points: Sequence[Point], fill: str, stroke: str = "", width: float = 1) -> None:
        """A filled polygon, with an outline where ``stroke`` names a colour."""

    def line(self, path: Sequence[Point], upright: bool) -> None:
        """A line that bends smoothly from point to point, each of which it leaves and enters upright, or
        level."""

    def text(
        self,
        text: str,
        place: Point,
        *,
        anchor: Anchor = "start",
        size: float = FONT,
        bold: bool = False,
        colour: str = INK,
        halo: bool = False,
    ) -> None:
        """A line of text; ``place`` is on its middle line."""


def _controls(start: Point, end: Point, upright: bool) -> tuple[Point, Point]:
    """The middle two points of a Bezier curve."""
    (a, b), (c, d) = start, end
    if upright:
        return (a, (b + d) / 2), (c, (b + d) / 2)
    return ((a + c) / 2, b), ((a + c) / 2, d)


class SvgCanvas:
    """An SVG document."""

    def __init__(self, size: Point, title: str) -> None:
        self._size, self._title = size, title
        self._lines: list[str] = []

    def document(self) -> str:
        width, height = (f"{side:.0f}" for side in self._size)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" font-family="{FONTS}" font-size="{FONT}">',
                f"<title>{escape(self._title)}</title>",
                f'<rect width="100%" height="100%" fill="{PAPER}"/>',
                *self._lines,
                "</svg>",
                "",
            ]
        )

    @contextmanager
    def group(self, hint: str = "", **attributes: str) -> Iterator[None]:
        self._lines.append(f"<g{_attributes(attributes)}>")
        if hint:
            self._lines.append(f"<title>{escape(hint)}</title>")
        yield
        self._lines.append("</g>")

    def polygon(self, points: Sequence[Point], fill: str, stroke: str = "", width: float = 1) -> None:
        outline = f' stroke="{stroke}"' + (f' stroke-width="{width:g}"' if width != 1 else "")
        self._lines.append(
            f'<polygon points="{_svg_points(points)}" fill={quoteattr(fill)}{outline if stroke else ""}/>'
        )

    def line(self, path: Sequence[Point], upright: bool) -> None:
        pieces = [f"M{_svg_points(path[:1])}"]
        for start, end in pairwise(path):
            if start[not upright] == end[not upright]:
                pieces.append(f"L{_svg_points([end])}")
            else:
                pieces.append(f"C{_svg_points([*_controls(start, end, upright), end])}")
        self._lines.append(f'<path d="{" ".join(pieces)}" fill="none" stroke="{INK}"/>')

    def text(
        self,
        text: str,
        place: Point,
        *,
        anchor: Anchor = "start",
        size: float = FONT,
        bold: bool = False,
        colour: str = INK,
        halo: bool = False,
    ) -> None:
        look = {"fill": colour, "dominant-baseline": "central"}
        look |= {"text-anchor": anchor} if anchor != "start" else {}
        look |= {"font-size": f"{size:g}"} if size != FONT else {}
        look |= {"font-weight": "bold"} if bold else {}
        look |= {"stroke": PAPER, "stroke-width": f"{_HALO}", "paint-order": "stroke"} if halo else {}
        x, y = place
        self._lines.append(f'<text x="{x:.1f}" y="{y:.1f}"{_attributes(look)}>{escape(text)}</text>')


class PixelCanvas:
    """An image, ``scale`` pixels to each of the drawing's."""

    def __init__(self, size: Point, scale: float) -> None:
        width, height = (max(1, round(side * scale)) for side in size)
        self._pixels: Picture = np.full((height, width, 3), 255, np.uint8)
        self._scale = scale
        self._texts: list[tuple[str, Point, dict[str, Any]]] = []

    def picture(self) -> Picture:
        """What was drawn, (H, W, 3) in BGR, the texts above all else."""
        from PIL import Image, ImageDraw

        image = Image.fromarray(self._pixels[..., ::-1])
        pen = ImageDraw.Draw(image)
        for text, place, look in self._texts:
            pen.text(place, text, **look)
        return np.ascontiguousarray(np.asarray(image)[..., ::-1])

    def group(self, hint: str = "", **attributes: str) -> AbstractContextManager[None]:
        return nullcontext()

    def polygon(self, points: Sequence[Point], fill: str, stroke: str = "", width: float = 1) -> None:
        corners = self._fixed(points)
        cv2.fillPoly(self._pixels, corners, bgr(fill), cv2.LINE_AA, 4)
        if stroke:
            self._outline(corners, bgr(stroke), width, closed=True)

    def line(self, path: Sequence[Point], upright: bool) -> None:
        t = np.linspace(0, 1, _STEPS)[:, np.newaxis]
        for start, end in pairwise(path):
            a, d = np.array(start), np.array(end)
            b, c = (np.array(point) for point in _controls(start, end, upright))
            points = a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3
            self._outline(self._fixed(points), bgr(INK), 1, closed=False)

    def text(
        self,
        text: str,
        place: Point,
        *,
        anchor: Anchor = "start",
        size: float = FONT,
        bold: bool = False,
        colour: str = INK,
        halo: bool = False,
    ) -> None:
        look = {"font": font(size * self._scale, bold=bold), "fill": colour, "anchor": ANCHORS[anchor]}
        look |= {"stroke_width": round(_HALO * self._scale / 2), "stroke_fill": PAPER} if halo else {}
        x, y = place
        self._texts.append((text, (x * self._scale, y * self._scale), look))

    def _outline(
        self, points: list[Any], colour: tuple[int, int, int], width: float, *, closed: bool
    ) -> None:
        thickness = max(1, round(width * self._scale))
        cv2.polylines(self._pixels, points, closed, colour, thickness, cv2.LINE_AA, 4)

    def _fixed(self, points: Any) -> list[Any]:
        """Lets cv2 draw at fractions of a pixel: it takes coordinates times 2^4."""
        return [np.round(np.asarray(points) * (16 * self._scale)).astype(np.int32)]


@cache
def font(size: float, *, bold: bool = False) -> FreeTypeFont:
    """The sans-serif font that comes with matplotlib, so that pictures are the same on every machine."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf" / name, size)


def bgr(colour: str) -> tuple[int, int, int]:
    """A colour ``#rrggbb`` as OpenCV has it."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return blue, green, red


def _svg_points(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _attributes(attributes: Mapping[str, str]) -> str:
    return "".join(f" {name.replace('_', '-')}={quoteattr(value)}" for name, value in attributes.items())
