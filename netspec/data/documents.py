"""Scans of pages, drawn together with the transform that finds the page in them.

A page of lines, words and letters that only look like text lies turned, skewed and shaded on a desk. Its
class is how it is laid out. theta is what `SpatialTransformer` takes, with st_param as it is by default: its
map leads from the places of the flat page, which is as large as the scan, to those in the scan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.data.parts import Example, Part
from netspec.errors import DataError

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Range = tuple[float, float]

_HALVES = ("train", "test")
_LEAST = 32  # pixels, below which nothing looks like text
_FINE = 4  # times as fine a page is drawn before it is scaled down
_GAP = 0.08  # between the blocks of a page, as a share of it
_CORNERS = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]], np.float64)  # of a plane, row and column

_HALF = (1 - _GAP) / 2
_FIRST, _SECOND = (0.0, _HALF), (1 - _HALF, 1.0)
_ALL = (0.0, 1.0)
# What is on a page below its heading, and where: rows and columns from and to, as shares.
KINDS: dict[str, tuple[tuple[Literal["text", "picture", "table", "form"], Range, Range], ...]] = {
    "letter": (("text", _ALL, _ALL),),
    "article": (("text", _ALL, _FIRST), ("text", _ALL, _SECOND)),
    "picture above": (("picture", _FIRST, _ALL), ("text", _SECOND, _ALL)),
    "picture below": (("text", _FIRST, _ALL), ("picture", _SECOND, _ALL)),
    "picture to the left": (("picture", _FIRST, _FIRST), ("text", _FIRST, _SECOND), ("text", _SECOND, _ALL)),
    "picture to the right": (("text", _FIRST, _FIRST), ("picture", _FIRST, _SECOND), ("text", _SECOND, _ALL)),
    "table": (("table", _ALL, _ALL),),
    "form": (("form", _ALL, _ALL),),
}


@dataclass(frozen=True, slots=True)
class Documents:
    """What scans look like.

    Attributes:
        height, width: of a scan, and of the page when it is flat.
        transform: "affine", with 6 values of theta; or "projective", with 8: the corners of a page that was
            photographed go their own ways.
        turn: the largest angle in degrees.
        scale: the range of a page's size, as a share of the scan's.
    """

    height: int = 128
    width: int = 128
    transform: Literal["affine", "projective"] = "affine"
    turn: float = 20
    scale: tuple[float, float] = (0.55, 0.85)


def document_parts(documents: Documents, counts: tuple[int, int], seed: int) -> list[Part]:
    """Training and test scans, whose label is a number of `KINDS`, and whose target theta has 6 or 8 values.

    Raises:
        DataError: the scans are too small.
    """
    if min(documents.height, documents.width) < _LEAST:
        message = f"a scan of {documents.height} x {documents.width} pixels shows no text"
        raise DataError.at(message, help=f"expected at least {_LEAST} x {_LEAST}")
    return [_part(documents, half, count, seed) for half, count in zip(_HALVES, counts, strict=True)]


def _part(documents: Documents, half: str, count: int, seed: int) -> Part:
    make = partial(_example, documents, (seed % 2**64, _HALVES.index(half)))
    recipe = {"half": half, "count": count, "seed": seed, **asdict(documents)}
    return Part(f"documents_{half}", count, make, recipe)


def _example(documents: Documents, stream: tuple[int, int], number: int) -> Example:
    rng = np.random.default_rng((*stream, number))
    kind = int(rng.integers(len(KINDS)))
    homography = draw_homography(rng, documents)
    page = draw_page(rng, documents, list(KINDS)[kind])
    scan = lay_down(page, _draw_desk(rng, documents), homography)
    values = 6 if documents.transform == "affine" else 8
    return Example(_shade(rng, scan), kind, {"theta": homography.ravel()[:values].astype(np.float32)})


# Where the page lies --------------------------------------------------------------------------------------


def draw_homography(rng: np.random.Generator, documents: Documents) -> Floats:
    """A map (3, 3) from the plane of the page to that of the scan, for homogeneous (row, column) from -1 to
    1; its last entry is 1, and all of the page lies in the scan."""
    sides = np.array([documents.height, documents.width], np.float64)
    corners = next(_corners(rng, documents, sides))
    slack = 1 - np.abs(corners).max(0)
    moved = (corners + rng.uniform(-slack, slack)).astype(np.float32)
    homography = cv2.getPerspectiveTransform(_CORNERS.astype(np.float32), moved).astype(np.float64)
    if documents.transform == "affine":
        homography[2] = 0, 0, 1
    return homography


def _corners(rng: np.random.Generator, documents: Documents, sides: Floats) -> Iterator[Floats]:
    """The corners of pages that lie in the middle of the scan, of those that are not larger than it."""
    while True:
        angle = np.deg2rad(rng.uniform(-documents.turn, documents.turn))
        skew = rng.uniform(-0.05, 0.05)
        stretch = rng.uniform(*documents.scale) * np.array([1, rng.uniform(0.8, 1.0)])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        corners = _CORNERS * stretch * sides @ (turn @ np.array([[1, 0], [skew, 1]])).T / sides
        if documents.transform == "projective":
            corners = corners + rng.uniform(-0.08, 0.08, corners.shape)
        if np.abs(corners).max() < 1:
            yield corners


def lay_down(page: Bytes, desk: Bytes, homography: Floats) -> Bytes:
    """A page on a desk of the same size (H, W), where a homography between their planes says."""
    height, width = desk.shape
    # From pixels, x before y, to the plane, row before column.
    plane = np.array([[0, 2 / height, -1], [2 / width, 0, -1], [0, 0, 1]])
    pixels = np.linalg.inv(plane) @ homography @ plane
    warp = partial(cv2.warpPerspective, M=pixels, dsize=(width, height), flags=cv2.INTER_LINEAR)
    covered = warp(np.full(page.shape, 255, np.uint8)).astype(np.float32) / 255
    scan = warp(page) + (1 - covered) * desk
    return scan.clip(0, 255).astype(np.uint8)


# What it looks like ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Block:
    """A rectangle on a page (H, W), in pixels, to draw in, and the height and ink of the letters there."""

    page: Bytes
    top: int
    bottom: int
    left: int
    right: int
    letter: int
    ink: int

    def part(self, rows: Range, columns: Range) -> _Block:
        """A rectangle in it, between shares of its height and of its width."""
        top, bottom = (self.top + int(share * (self.bottom - self.top)) for share in rows)
        left, right = (self.left + int(share * (self.right - self.left)) for share in columns)
        return replace(self, top=top, bottom=bottom, left=left, right=right)


def draw_page(rng: np.random.Generator, documents: Documents, kind: str) -> Bytes:
    """A flat page (H, W): a heading, and below it what `KINDS` says."""
    height, width = _FINE * documents.height, _FINE * documents.width
    page = np.full((height, width), rng.integers(225, 256), np.uint8)
    margin = int(min(height, width) * rng.uniform(0.06, 0.12))
    letter = max(2 * _FINE, int(height * rng.uniform(0.018, 0.03)))
    ink = int(rng.integers(0, 70))
    _write_line(rng, page, margin, margin, width - 2 * margin, 2 * letter, ink)
    body = _Block(page, margin + 4 * letter, height - margin, margin, width - margin, letter, ink)
    for what, rows, columns in KINDS[kind]:
        _DRAWN[what](rng, body.part(rows, columns))
    return np.asarray(cv2.resize(page, (documents.width, documents.height), interpolation=cv2.INTER_AREA))


def _draw_text(rng: np.random.Generator, block: _Block) -> None:
    """Paragraphs, whose last lines are shorter."""
    top = block.top
    while top + block.letter < block.bottom:
        ends = rng.random() < 0.15
        length = (block.right - block.left) * (rng.uniform(0.3, 0.9) if ends else 1)
        _write_line(rng, block.page, top, block.left, int(length), block.letter, block.ink)
        top += (3 if ends else 2) * block.letter


def _draw_picture(rng: np.random.Generator, block: _Block) -> None:
    corners = (block.left, block.top), (block.right, block.bottom)
    cv2.rectangle(block.page, *corners, int(rng.integers(90, 200)), -1)


def _draw_table(rng: np.random.Generator, block: _Block) -> None:
    """Cells with lines between them, and a word in each."""
    rows, columns = int(rng.integers(5, 9)), int(rng.integers(3, 6))
    for row in range(rows):
        for column in range(columns):
            cell = block.part((row / rows, (row + 1) / rows), (column / columns, (column + 1) / columns))
            corners = (cell.left, cell.top), (cell.right, cell.bottom)
            cv2.rectangle(block.page, *corners, block.ink, _FINE // 2)
            length = int((cell.right - cell.left) * rng.uniform(0.3, 0.9)) - block.letter
            place = cell.top + block.letter, cell.left + block.letter
            _write_line(rng, block.page, *place, length, block.letter, block.ink)


def _draw_form(rng: np.random.Generator, block: _Block) -> None:
    """What is asked for, each with a line to write on."""
    for top in range(block.top, block.bottom - block.letter, 4 * block.letter):
        length = int((block.right - block.left) * rng.uniform(0.15, 0.35))
        _write_line(rng, block.page, top, block.left, length, block.letter, block.ink)
        left = block.left + int(0.4 * (block.right - block.left))
        ends = (left, top + block.letter), (block.right, top + block.letter)
        cv2.line(block.page, *ends, block.ink, _FINE // 2)


_DRAWN = {"text": _draw_text, "picture": _draw_picture, "table": _draw_table, "form": _draw_form}


def _write_line(
    rng: np.random.Generator, page: Bytes, top: int, left: int, length: int, letter: int, ink: int
) -> None:
    """Letters as strokes and blanks; ``letter`` is their height."""
    at, end = left, left + length
    while at < end:
        for _ in range(int(rng.integers(2, 10))):
            width = int(rng.integers(letter // 3, letter))
            if at + width > end:
                return
            high = int(rng.integers(0, letter // 3 + 1))
            shape = cv2.rectangle if rng.random() < 0.5 else cv2.line
            shape(page, (at, top + high), (at + width - 1, top + letter - 1), ink, max(1, letter // 6))
            at += width + letter // 4
        at += letter


def _draw_desk(rng: np.random.Generator, documents: Documents) -> Bytes:
    """What a page lies on: blurred noise of few frequencies, always darker than paper."""
    rough = rng.uniform(0, 1, (rng.integers(2, 9), rng.integers(2, 9)))
    smooth = cv2.resize(rough, (documents.width, documents.height), interpolation=cv2.INTER_CUBIC)
    low = rng.uniform(20, 110)
    return np.asarray((low + rng.uniform(10, 70) * smooth).clip(0, 255), np.uint8)


def _shade(rng: np.random.Generator, scan: Bytes) -> Bytes:
    """Light that falls off to one side, and the sensor's noise."""
    height, width = scan.shape
    rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    down, right = rng.uniform(-0.12, 0.12, 2)
    light = 0.9 + down * rows + right * columns
    shaded: Bytes = (scan * light + rng.normal(0, 4, scan.shape)).clip(0, 255).astype(np.uint8)
    return shaded
