"""Where the pixels of a plane lie, what a map makes of them, and how an image is read between its pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")

_CUBIC = -0.75  # the slope that makes a cubic kernel of it, as PyTorch and OpenCV have it
_TINY = 1e-6


@dataclass(frozen=True)
class Plane:
    """What the coordinates -1 and 1 mean on a plane.

    Attributes:
        grid: "CAFFE": the first pixel and the one behind the last; "ALIGNED": the first pixel and the last;
            "HALF_PIXEL": the outer edges of the first and the last, half a pixel away from them.
        row_first: whether the first of two coordinates counts rows.
    """

    grid: str = "CAFFE"
    row_first: bool = True

    @property
    def aligned(self) -> bool:
        """How `torch.nn.functional.grid_sample` is told."""
        return self.grid == "ALIGNED"

    def ends(self, size: int) -> tuple[float, float]:
        """The coordinates of an axis' first and last pixel; of a single one, between -1 and 1 if aligned."""
        if self.aligned:
            return (-1, 1) if size > 1 else (0, 0)
        return (-1, 1 - 2 / size) if self.grid == "CAFFE" else (-1 + 1 / size, 1 - 1 / size)

    def coordinates(self, size: int, like: Tensor) -> Tensor:
        """An axis' pixels, (size), on the device and of the type of ``like``."""
        return torch.linspace(*self.ends(size), size, dtype=like.dtype, device=like.device)

    def offset(self, size: int) -> float:
        """What to add to a coordinate for `grid_sample`, which knows the two other grids only."""
        return 1 / size if self.grid == "CAFFE" else 0

    def reach(self, size: int) -> float:
        """How far from 0 the outer edges of an axis' pixels lie in the coordinates of `grid_sample`."""
        if not self.aligned:
            return 1
        return size / (size - 1) if size > 1 else math.inf

    def canonical(self, maps: Tensor) -> Tensor:
        """The same maps (N, 2 or 3, 3) between (row, column) on the right and (column, row) on the left."""
        axis = 1 if self.row_first else 2
        swapped = maps.narrow(axis, 0, 2).flip(
            axis
        )  # an index of numbers would have to be copied to the device
        rest = maps.narrow(axis, 2, maps.shape[axis] - 2)
        return torch.cat([swapped, rest], axis) if rest.numel() else swapped


def positions(maps: Tensor, rows: Tensor, columns: Tensor, offset: Tensor | float = 0) -> Tensor:
    """Where maps take the pixels of a plane.

    Args:
        maps: (N, 2, 3), or (N, 3, 3) for homogeneous coordinates, of (row, column, 1).
        rows: the coordinates (H') of the rows.
        columns: those (W') of the columns.
        offset: added to the result, (2).

    Returns:
        What the maps make of them, (N, H', W', 2).
    """
    affine = maps.shape[1] == 2
    by_row, by_column, shift = maps.unbind(2)
    by_row, by_column = by_row[..., None, None], by_column[..., None, None]
    shift = (shift + offset if affine else shift)[..., None, None]
    # One coordinate after the other: as the last axis, of two elements, they would make short loops.
    found = by_row * rows[:, None] + (by_column * columns + shift)
    if affine:
        return found.permute(0, 2, 3, 1)
    # Points on the horizon are infinitely far away; there they stay finite, and far enough.
    depth = found[:, 2:]
    found = found[:, :2] / torch.where(depth.abs() < _TINY, _TINY, depth)
    return found.permute(0, 2, 3, 1) + offset


def sample(
    image: Tensor, grid: Tensor, *, mode: str = "bilinear", padding: str = "zeros", aligned: bool = False
) -> Tensor:
    """`torch.nn.functional.grid_sample`, whose gradient to the image is the same at each run where PyTorch
    was asked for that (`torch.use_deterministic_algorithms`): on CUDA its own is not.

    Args:
        image: (N, C, H, W).
        grid: (N, H', W', 2), columns first.
        mode: one of `MODES`.
        padding: what lies outside, one of `PADDINGS`.
        aligned: whether -1 and 1 are the centres of the outer pixels, not their edges.

    Returns:
        (N, C, H', W').
    """
    if image.is_cuda and image.requires_grad and torch.are_deterministic_algorithms_enabled():
        return gather_sample(image, grid, mode=mode, padding=padding, aligned=aligned)
    return F.grid_sample(image, grid, mode, padding, aligned)


def gather_sample(image: Tensor, grid: Tensor, *, mode: str, padding: str, aligned: bool) -> Tensor:
    """`sample`, pixel by pixel that counts: the gradient adds up in a fixed order where PyTorch is asked to
    be deterministic. It takes more memory."""
    height, width = image.shape[2:]
    flat = image.flatten(2)
    total = image.new_zeros(())
    across = list(_taps(grid[..., 0], width, mode, padding, aligned))
    for row, row_weight in _taps(grid[..., 1], height, mode, padding, aligned):
        for column, column_weight in across:
            index = (row * width + column).flatten(1)[:, None].expand(-1, image.shape[1], -1)
            values = flat.gather(2, index).reshape(*image.shape[:2], *grid.shape[1:3])
            total = total + values * (row_weight * column_weight)[:, None]
    return total


def _taps(
    coordinate: Tensor, size: int, mode: str, padding: str, aligned: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """The pixels of an axis that count at each coordinate, and how much."""
    place = (coordinate + 1) / 2 * (size - 1) if aligned else ((coordinate + 1) * size - 1) / 2
    if mode != "bicubic":  # a cubic kernel's pixels are brought inside one by one
        place = _inside(place, size, padding, aligned)
    first = (place.round() if mode == "nearest" else place.floor()).detach()
    part = place - first
    if mode == "nearest":
        weights = [torch.ones_like(part)]
    elif mode == "bilinear":
        weights = [1 - part, part]
    else:
        first = first - 1
        weights = [_cubic(part + 1), _cubic(part), _cubic(1 - part), _cubic(2 - part)]
    for step, weight in enumerate(weights):
        tap = first + step
        if mode == "bicubic":
            tap = _inside(tap, size, padding, aligned)
        known = (tap >= 0) & (tap <= size - 1)  # false for what is no number, too
        yield torch.where(known, tap, 0).long(), torch.where(known, weight, 0)


def _inside(place: Tensor, size: int, padding: str, aligned: bool) -> Tensor:
    """Where in the image a place outside of it is read."""
    if padding == "zeros":
        return place
    if padding == "reflection":
        low, span = (0.0, size - 1.0) if aligned else (-0.5, float(size))
        # A triangle wave: up from one edge to the other and down again.
        place = low + span - ((place - low) % (2 * span) - span).abs() if span else torch.zeros_like(place)
    return place.clamp(0, size - 1)


def _cubic(distance: Tensor) -> Tensor:
    """Keys' cubic convolution kernel at a distance of 0 to 2."""
    near = ((_CUBIC + 2) * distance - (_CUBIC + 3)) * distance * distance + 1
    far = ((_CUBIC * distance - 5 * _CUBIC) * distance + 8 * _CUBIC) * distance - 4 * _CUBIC
    return torch.where(distance <= 1, near, far)
