"""Bilinear sampling at the places of an affine map, and its gradients, without a grid of places in memory.

A program computes tiles of pixels times channels of one item. Rows and columns of the top count from its
centre: the identity then reads whole pixels, to the last bit. Positions and sums are float32.

No sum depends on an order of arrival. The gradient to the maps is summed per program, then over the programs.
The gradient to the image is gathered: each of its pixels looks up where in the top it was read.
"""

from __future__ import annotations

from math import gcd

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.torch_version import TorchVersion

from netspec.layers.sampling import Plane

_SIZES = ["channels", "height", "width", "out_height", "out_width"]  # one kernel for all of them

# The axis of a tile on which its pixels do not lie. Where Triton cannot tell what lies together in memory, it
# lets the last axis run along a warp, and before 3.7 the first: that must be the pixels', which nearly do.
_AXIS = tl.constexpr(0 if TorchVersion(triton.__version__) >= "3.7" else 1)


def sample(image: Tensor, maps: Tensor, top: Tensor, plane: Plane) -> None:
    """Fills ``top`` (N, C, H', W') with what ``maps`` (N, 2, 3) read of ``image`` (N, C, H, W)."""
    tile = _tile_of(image, gathers=False)
    _sample[_programs(top, tile)](
        image, maps, top, *_sizes(image, top), *_scales(image, top, plane),
        *image.stride(), *top.stride(), CENTRE=_centre(plane), **tile,
    )  # fmt: skip


def maps_gradient(gradient: Tensor, image: Tensor, maps: Tensor, plane: Plane) -> Tensor:
    """What the top's gradient (N, C, H', W') makes of the maps', (N, 2, 3)."""
    tile = _tile_of(image, gathers=False)
    blocks, groups, count = programs = _programs(gradient, tile)
    parts = maps.new_empty(count, groups * blocks, 2, 3)
    _maps_gradient[programs](
        gradient, image, maps, parts, *_sizes(image, gradient), *_scales(image, gradient, plane),
        *gradient.stride(), *image.stride(), CENTRE=_centre(plane), **tile,
    )  # fmt: skip
    return parts.sum(1)


def image_gradient(gradient: Tensor, maps: Tensor, found: Tensor, plane: Plane) -> None:
    """Fills ``found`` (N, C, H, W) with what the top's gradient (N, C, H', W') makes of the image's."""
    tile = _tile_of(found, gathers=True)
    _image_gradient[_programs(found, tile)](
        gradient, maps, found, *_sizes(found, gradient), *_scales(found, gradient, plane),
        *gradient.stride(), *found.stride(), CENTRE=_centre(plane), **tile,
    )  # fmt: skip


def _tile_of(image: Tensor, *, gathers: bool) -> dict[str, int]:
    """How an image is cut into tiles of BLOCK_P pixels and BLOCK_C channels. A program computes one after the
    other for GROUP channels at the same places; EVEN: all of them exist."""
    count = image.shape[1]
    padded = triton.next_power_of_2(count)
    if count > 1 and image.stride(1) == 1:
        block = group = min(64, padded)
    elif gathers:
        block = group = min(16, padded)
    else:
        block = gcd(count, 4)
        group = max(size for size in range(block, 65, block) if count % size == 0)
    even = count % group == 0
    return {"GROUP": group, "EVEN": even, "BLOCK_C": block, "BLOCK_P": min(256, 2048 // block)}


def _programs(blob: Tensor, tile: dict[str, int]) -> tuple[int, int, int]:
    count, channels, height, width = blob.shape
    return triton.cdiv(height * width, tile["BLOCK_P"]), triton.cdiv(channels, tile["GROUP"]), count


def _sizes(image: Tensor, top: Tensor) -> torch.Size:
    return image.shape[1:] + top.shape[2:]


def _scales(image: Tensor, top: Tensor, plane: Plane) -> list[float]:
    """What the entries of a map, row by row, are worth in pixels: a coordinate's way from 0 to 1 is so many
    of the image's, and the top's own count for as many."""
    down, across = (_reach(size, plane) for size in image.shape[2:])
    rows, columns = (_reach(size, plane) or 1 for size in top.shape[2:])  # a single row lies at 0 anyhow
    return [across / rows, across / columns, across, down / rows, down / columns, down]


def _reach(size: int, plane: Plane) -> float:
    return (size - 1) / 2 if plane.aligned else size / 2


def _centre(plane: Plane) -> float:
    """By how much the place of coordinate 0 is short of half an axis' pixels."""
    return 0.0 if plane.grid == "CAFFE" else 0.5


@triton.jit(do_not_specialize=_SIZES)
def _sample(
    image: tl.tensor, maps: tl.tensor, top: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor, out_height: tl.tensor, out_width: tl.tensor,
    x_row: tl.tensor, x_column: tl.tensor, x_one: tl.tensor,
    y_row: tl.tensor, y_column: tl.tensor, y_one: tl.tensor,
    image_n: tl.tensor, image_c: tl.tensor, image_h: tl.tensor, image_w: tl.tensor,
    top_n: tl.tensor, top_c: tl.tensor, top_h: tl.tensor, top_w: tl.tensor,
    CENTRE: tl.constexpr, GROUP: tl.constexpr, EVEN: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr,
) -> None:  # fmt: skip
    item, first, pixel = _place(GROUP, BLOCK_C, BLOCK_P)
    row, column, inside = pixel // out_width, pixel % out_width, pixel < out_height * out_width
    a, b, d, e = _turn(maps, item, x_row, x_column, y_row, y_column)
    c, f = _shift(maps, item, x_one, y_one, height, width, CENTRE)
    i, j = row - (0.5 * out_height - CENTRE), column - (0.5 * out_width - CENTRE)
    x, x_part, west, east = _neighbours(a * i + (b * j + c), width)
    y, y_part, north, south = _neighbours(d * i + (e * j + f), height)
    north, south = north & inside, south & inside
    image += item * image_n
    top += item * top_n
    for step in range(0, GROUP, BLOCK_C):
        channel = first + step
        known = (channel < channels) | EVEN
        corner = image + (channel * image_c + (y * image_h + x * image_w))
        nw = tl.load(corner, mask=north & west & known, other=0).to(tl.float32)
        ne = tl.load(corner + image_w, mask=north & east & known, other=0).to(tl.float32)
        sw = tl.load(corner + image_h, mask=south & west & known, other=0).to(tl.float32)
        se = tl.load(corner + (image_h + image_w), mask=south & east & known, other=0).to(tl.float32)
        upper = nw * (1 - x_part) + ne * x_part
        lower = sw * (1 - x_part) + se * x_part
        value = upper * (1 - y_part) + lower * y_part
        tl.store(top + (channel * top_c + (row * top_h + column * top_w)), value, mask=inside & known)


@triton.jit(do_not_specialize=_SIZES)
def _maps_gradient(
    gradient: tl.tensor, image: tl.tensor, maps: tl.tensor, parts: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor, out_height: tl.tensor, out_width: tl.tensor,
    x_row: tl.tensor, x_column: tl.tensor, x_one: tl.tensor,
    y_row: tl.tensor, y_column: tl.tensor, y_one: tl.tensor,
    gradient_n: tl.tensor, gradient_c: tl.tensor, gradient_h: tl.tensor, gradient_w: tl.tensor,
    image_n: tl.tensor, image_c: tl.tensor, image_h: tl.tensor, image_w: tl.tensor,
    CENTRE: tl.constexpr, GROUP: tl.constexpr, EVEN: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr,
) -> None:  # fmt: skip
    item, first, pixel = _place(GROUP, BLOCK_C, BLOCK_P)
    row, column, inside = pixel // out_width, pixel % out_width, pixel < out_height * out_width
    a, b, d, e = _turn(maps, item, x_row, x_column, y_row, y_column)
    c, f = _shift(maps, item, x_one, y_one, height, width, CENTRE)
    i, j = row - (0.5 * out_height - CENTRE), column - (0.5 * out_width - CENTRE)
    x, x_part, west, east = _neighbours(a * i + (b * j + c), width)
    y, y_part, north, south = _neighbours(d * i + (e * j + f), height)
    north, south = north & inside, south & inside
    image += item * image_n
    gradient += item * gradient_n
    by_x = tl.zeros_like(first + pixel).to(tl.float32)
    by_y = tl.zeros_like(by_x)
    for step in range(0, GROUP, BLOCK_C):
        channel = first + step
        known = (channel < channels) | EVEN
        corner = image + (channel * image_c + (y * image_h + x * image_w))
        nw = tl.load(corner, mask=north & west & known, other=0).to(tl.float32)
        ne = tl.load(corner + image_w, mask=north & east & known, other=0).to(tl.float32)
        sw = tl.load(corner + image_h, mask=south & west & known, other=0).to(tl.float32)
        se = tl.load(corner + (image_h + image_w), mask=south & east & known, other=0).to(tl.float32)
        place = channel * gradient_c + (row * gradient_h + column * gradient_w)
        above = tl.load(gradient + place, mask=inside & known, other=0).to(tl.float32)
        by_x += above * ((ne - nw) * (1 - y_part) + (se - sw) * y_part)
        by_y += above * ((sw - nw) * (1 - x_part) + (se - ne) * x_part)
    program = (item * tl.num_programs(1) + tl.program_id(1)) * tl.num_programs(0) + tl.program_id(0)
    parts += program * 6
    tl.store(parts, x_row * tl.sum(by_x * i))
    tl.store(parts + 1, x_column * tl.sum(by_x * j))
    tl.store(parts + 2, x_one * tl.sum(by_x))
    tl.store(parts + 3, y_row * tl.sum(by_y * i))
    tl.store(parts + 4, y_column * tl.sum(by_y * j))
    tl.store(parts + 5, y_one * tl.sum(by_y))


@triton.jit(do_not_specialize=_SIZES)
def _image_gradient(
    gradient: tl.tensor, maps: tl.tensor, found: tl.tensor,
    channels: tl.tensor, height: tl.tensor, width: tl.tensor, out_height: tl.tensor, out_width: tl.tensor,
    x_row: tl.tensor, x_column: tl.tensor, x_one: tl.tensor,
    y_row: tl.tensor, y_column: tl.tensor, y_one: tl.tensor,
    gradient_n: tl.tensor, gradient_c: tl.tensor, gradient_h: tl.tensor, gradient_w: tl.tensor,
    found_n: tl.tensor, found_c: tl.tensor, found_h: tl.tensor, found_w: tl.tensor,
    CENTRE: tl.constexpr, GROUP: tl.constexpr, EVEN: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr,
) -> None:  # fmt: skip
    item, channel, pixel = _place(GROUP, BLOCK_C, BLOCK_P)
    y, x, inside = pixel // width, pixel % width, pixel < height * width
    known = (channel < channels) | EVEN
    a, b, d, e = _turn(maps, item, x_row, x_column, y_row, y_column)
    c, f = _shift(maps, item, x_one, y_one, height, width, CENTRE)
    row_centre, column_centre = 0.5 * out_height - CENTRE, 0.5 * out_width - CENTRE
    # The square of side 2 around the pixel is a parallelogram on the top: these are its rows, or all of them
    # where it is longer than the top, be it without end. In float64 no cancellation makes it too short.
    determinant = a.to(tl.float64) * e.to(tl.float64) - b.to(tl.float64) * d.to(tl.float64)
    spread = ((tl.abs(b) + tl.abs(e)).to(tl.float64) / tl.abs(determinant)).to(tl.float32)
    by_x = (e.to(tl.float64) / determinant).to(tl.float32)
    by_y = (b.to(tl.float64) / determinant).to(tl.float32)
    middle = by_x * (x - c) - by_y * (y - f) + row_centre
    bounded = spread < out_height
    row_first = tl.where(bounded, _first_above(middle - spread, out_height), 0)
    row_last = tl.where(bounded, _last_below(middle + spread, out_height), out_height - 1)
    row_last = tl.where(inside, row_last, -1)
    per_b, per_e = 1.0 / b, 1.0 / e  # infinite where x or y is the same along a row
    gradient += item * gradient_n
    total = tl.zeros_like(channel + pixel).to(tl.float32)
    rows = tl.max(row_last - row_first) + 1
    row_step = 0
    while row_step < rows:
        row = row_first + row_step
        i = row - row_centre
        # Along a row each axis leaves an interval: where x, and where y, is less than 1 away.
        x_away, y_away = a * i + (c - x), d * i + (f - y)
        x_one_end, x_other_end = (-1 - x_away) * per_b, (1 - x_away) * per_b
        y_one_end, y_other_end = (-1 - y_away) * per_e, (1 - y_away) * per_e
        low = tl.maximum(tl.minimum(x_one_end, x_other_end), tl.minimum(y_one_end, y_other_end))
        high = tl.minimum(tl.maximum(x_one_end, x_other_end), tl.maximum(y_one_end, y_other_end))
        column_first = _first_above(low + column_centre, out_width)
        column_last = _last_below(high + column_centre, out_width)
        column_last = tl.where(row <= row_last, column_last, -1)
        columns = tl.max(column_last - column_first) + 1
        column_step = 0
        while column_step < columns:
            column = column_first + column_step
            j = column - column_centre
            x_weight = 1 - tl.abs(a * i + (b * j + c) - x)
            y_weight = 1 - tl.abs(d * i + (e * j + f) - y)
            near = (column <= column_last) & (x_weight > 0) & (y_weight > 0)
            place = channel * gradient_c + (row * gradient_h + column * gradient_w)
            above = tl.load(gradient + place, mask=near & known, other=0).to(tl.float32)
            total += tl.where(near, x_weight * y_weight, 0.0) * above
            column_step += 1
        row_step += 1
    found += item * found_n
    tl.store(found + (channel * found_c + (y * found_h + x * found_w)), total, mask=inside & known)


@triton.jit
def _place(GROUP: tl.constexpr, BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr) -> tl.tensor:
    """The program's item, and its first tile's channels and pixels, each along an axis of the tile."""
    channels, pixels = tl.arange(0, BLOCK_C), tl.arange(0, BLOCK_P)
    channel = tl.program_id(1) * GROUP + tl.expand_dims(channels, 1 - _AXIS)
    pixel = tl.program_id(0) * BLOCK_P + tl.expand_dims(pixels, _AXIS)
    return tl.program_id(2).to(tl.int64), channel, pixel


@triton.jit
def _turn(
    maps: tl.tensor, item: tl.tensor,
    x_row: tl.tensor, x_column: tl.tensor, y_row: tl.tensor, y_column: tl.tensor,
) -> tl.tensor:  # fmt: skip
    """a, b, d and e of the item's map from rows i and columns j of the top, counted from its centre, to the
    image's pixels: x = a i + b j + c, y = d i + e j + f."""
    maps += item * 6
    a, b = tl.load(maps) * x_row, tl.load(maps + 1) * x_column
    d, e = tl.load(maps + 3) * y_row, tl.load(maps + 4) * y_column
    return a, b, d, e


@triton.jit
def _shift(
    maps: tl.tensor, item: tl.tensor, x_one: tl.tensor, y_one: tl.tensor,
    height: tl.tensor, width: tl.tensor, CENTRE: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """c and f of the item's map."""
    maps += item * 6
    c = tl.load(maps + 2) * x_one + (0.5 * width - CENTRE)
    f = tl.load(maps + 5) * y_one + (0.5 * height - CENTRE)
    return c, f


@triton.jit
def _neighbours(place: tl.tensor, size: tl.tensor) -> tl.tensor:
    """The pixel before a place, the part of the way to the next, and which of both are in the image; neither
    is where the place is no number."""
    before = tl.floor(place)
    first = (before >= 0) & (before < size)
    second = (before >= -1) & (before < size - 1)
    part = tl.where(first | second, place - before, 0.0)
    return tl.where(first | second, before, 0.0).to(tl.int32), part, first, second


@triton.jit
def _first_above(place: tl.tensor, size: tl.tensor) -> tl.tensor:
    """The first of 0 to ``size`` behind a place, and 0 for what is no number."""
    above = tl.floor(place) + 1
    return tl.where(above > 0, tl.where(above < size, above, size), 0).to(tl.int32)


@triton.jit
def _last_below(place: tl.tensor, size: tl.tensor) -> tl.tensor:
    """The last of -1 to ``size`` - 1 before a place, and -1 for what is no number."""
    below = tl.ceil(place) - 1
    return tl.where(below >= 0, tl.where(below < size - 1, below, size - 1), -1).to(tl.int32)
