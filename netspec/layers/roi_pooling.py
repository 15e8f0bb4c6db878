"""ROIPooling, PSROIPooling: each region cut into a grid of cells, and a number for each cell."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_ROI, _PSROI = "roi_pooling_param", "psroi_pooling_param"
_LEAST_SIDE = 0.1  # of a region, in pixels of the features

# Along one axis, the first pixel of each cell and the first behind it: (R, cells) each.
Borders = tuple[Tensor, Tensor]


def _check_bottoms(layer: Layer, x: Shape, rois: Shape) -> None:
    if len(x) != 4:
        raise layer.shape_error("the first bottom must be NxCxHxW", "bottom", 0)
    if not rois or prod(rois[1:]) != 5:
        rule = "each region is five numbers: the item, x1, y1, x2, y2; the second bottom must be Rx5"
        raise layer.shape_error(rule, "bottom", 1)


def _split(rois: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Of regions the items, as indices, and x1, y1, x2, y2, in float32 or better; all (R,)."""
    item, *corners = rois.detach().flatten(1).unbind(1)
    wide = torch.promote_types(rois.dtype, torch.float32)
    return item.long(), tuple(corner.to(wide) for corner in corners)


def _round(x: Tensor) -> Tensor:
    """To the nearest whole number, halves away from zero; `torch.round` takes them to the even one."""
    whole = x.trunc()
    return whole + torch.where((x - whole).abs() >= 0.5, x.sign(), 0)


def _parts(length: Tensor, parts: int) -> tuple[Tensor, Tensor]:
    """Where each of so many equal parts of lengths (R,) starts and ends, (R, parts)."""
    # Divided by a tensor: by a number, CUDA multiplies by its reciprocal, and a border moves by a pixel.
    part = (length / torch.full_like(length, parts))[:, None]
    steps = torch.arange(parts + 1, dtype=length.dtype, device=length.device)
    return steps[:-1] * part, steps[1:] * part


def _inside(border: Tensor, size: int) -> Tensor:
    return border.clamp(0, size).long()


def _count(rows: Borders, columns: Borders) -> Tensor:
    """How many pixels each cell has, (R, 1, P, Q)."""
    height, width = ((end - start).clamp(min=0) for start, end in (rows, columns))
    return height[:, None, :, None] * width[:, None, None]


@layer("ROIPooling", bottoms=2, tops=1, origin="other fork", labels=(1,))
class ROIPooling(Layer):
    """Maxima of a grid of cells within each region of interest.

    Features (N, C, H, W) and regions (R, 5), each (item, x1, y1, x2, y2) with both corners included, give
    (R, C, pooled_h, pooled_w). A region's corners are multiplied by spatial_scale and rounded; cell p of n
    reaches from floor(p size / n) to ceil((p + 1) size / n), so that neighbours may share pixels. A cell
    outside the features is 0. The gradient goes to the first of the largest pixels of each cell. Girshick,
    "Fast R-CNN", 2015.
    """

    def setup(self, x: Shape, rois: Shape) -> None:
        _check_bottoms(self, x, rois)
        param = self.spec.roi_pooling_param
        for field in ("pooled_h", "pooled_w"):
            if getattr(param, field) < 1:
                raise self.error(f"{field} must be given and at least 1", _ROI, field)
        self.pooled, self.scale = (param.pooled_h, param.pooled_w), param.spatial_scale

    def _cells(self, start: Tensor, end: Tensor, cells: int, size: int) -> Borders:
        start, end = _round(start * self.scale), _round(end * self.scale)
        first, last = _parts((end - start + 1).clamp(min=1), cells)
        return _inside(first.floor() + start[:, None], size), _inside(last.ceil() + start[:, None], size)

    def forward(self, x: Tensor, rois: Tensor) -> Tensor:
        item, (left, top, right, bottom) = _split(rois)
        rows = self._cells(top, bottom, self.pooled[0], x.shape[2])
        columns = self._cells(left, right, self.pooled[1], x.shape[3])
        # Ranked within its plane, no pixel equals another, and the rank tells which it is.
        values, order = x.flatten(2).sort(dim=-1, descending=True, stable=True)
        first = _first_ranked(_ranks(order).view(x.shape), item, rows, columns)
        channel = torch.arange(x.shape[1], device=x.device)[:, None, None]
        maxima = values[item[:, None, None, None], channel, first]
        return torch.where(_count(rows, columns) > 0, maxima, 0)


def _ranks(order: Tensor) -> Tensor:
    """The rank of each element from the elements by rank, along the last axis, in the smallest type."""
    dtype = torch.int16 if order.shape[-1] <= torch.iinfo(torch.int16).max else torch.int32
    ranks = torch.arange(order.shape[-1], dtype=dtype, device=order.device).expand_as(order)
    return torch.empty_like(order, dtype=dtype).scatter_(-1, order, ranks)


def _first_ranked(ranks: Tensor, item: Tensor, rows: Borders, columns: Borders) -> Tensor:
    """The smallest rank in each cell, (R, C, P, Q), from ranks (N, C, H, W), items (R,) and borders.

    Each cell is the union of four blocks whose sides are powers of two: the memory and time that it takes
    does not depend on how large regions are.
    """
    table = _block_minima(ranks.permute(0, 2, 3, 1))
    _, width_levels, items, height, width, channels = table.shape
    row_level, *row = _blocks(*rows, height)
    column_level, *column = _blocks(*columns, width)
    plane = (row_level[:, :, None] * width_levels + column_level[:, None]) * items + item[:, None, None]
    table = table.view(-1, channels)
    corners = [
        table.index_select(0, ((plane * height + i[:, :, None]) * width + j[:, None]).flatten())
        for i in row
        for j in column
    ]
    smallest = torch.stack(corners).amin(0).long()
    return smallest.view(*plane.shape, channels).permute(0, 3, 1, 2)


def _blocks(start: Tensor, end: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The power of two with which two blocks cover start to end, and where these start."""
    level = torch.zeros_like(start)
    for power in range(1, size.bit_length()):
        level += end - start >= 2**power
    second = end - torch.ones_like(level).bitwise_left_shift(level)
    return level, start.clamp(max=size - 1), second.clamp(0, size - 1)


def _block_minima(ranks: Tensor) -> Tensor:
    """The minima of blocks of 2^k rows and 2^l columns, by k, l and where a block starts: from (N, H, W, C)
    to (K, L, N, H, W, C). What starts too late for its size means nothing."""
    height, width = ranks.shape[1:3]
    table = ranks.new_empty(height.bit_length(), width.bit_length(), *ranks.shape)
    table[0, 0] = ranks
    for k in range(1, table.shape[0]):
        _double(table[k - 1, 0], table[k, 0], 1, 2 ** (k - 1))
    for k in range(1, table.shape[1]):
        _double(table[:, k - 1], table[:, k], 3, 2 ** (k - 1))
    return table


def _double(blocks: Tensor, twice: Tensor, axis: int, step: int) -> None:
    size = blocks.shape[axis] - step
    twice.copy_(blocks)
    twice.narrow(axis, 0, size).copy_(
        torch.minimum(blocks.narrow(axis, 0, size), blocks.narrow(axis, step, size))
    )


@layer("PSROIPooling", bottoms=2, tops=1, origin="other fork", labels=(1,))
class PSROIPooling(Layer):
    """Means of a grid of cells within each region of interest, each cell from channels of its own.

    Features (N, D G^2, H, W) and regions (R, 5), each (item, x1, y1, x2, y2) with both corners included,
    give (R, D, G, G) for output_dim D and group_size G: cell (p, q) of output d is the mean over channel
    (d G + p) G + q. Corners are rounded, and the second moved by 1, before they are multiplied by
    spatial_scale; a cell takes in each pixel that it touches, and is 0 outside the features. Dai et al.,
    "R-FCN: object detection via region-based fully convolutional networks", 2016.
    """

    def setup(self, x: Shape, rois: Shape) -> None:
        _check_bottoms(self, x, rois)
        param = self.spec.psroi_pooling_param
        for field in ("output_dim", "group_size"):
            if getattr(param, field) < 1:
                raise self.error(f"{field} must be given and at least 1", _PSROI, field)
        if param.spatial_scale <= 0:
            raise self.error("spatial_scale must be given and above 0", _PSROI, "spatial_scale")
        self.outputs, self.group, self.scale = param.output_dim, param.group_size, param.spatial_scale
        channels = self.outputs * self.group**2
        if x[1] != channels:
            rule = (
                f"output_dim {self.outputs} and group_size {self.group} need {channels} channels, not {x[1]}"
            )
            raise self.shape_error(rule, "bottom", 0)

    def _cells(self, start: Tensor, end: Tensor, size: int) -> Borders:
        start, end = _round(start) * self.scale, (_round(end) + 1) * self.scale
        first, last = _parts((end - start).clamp(min=_LEAST_SIDE), self.group)
        return _inside((first + start[:, None]).floor(), size), _inside((last + start[:, None]).ceil(), size)

    def forward(self, x: Tensor, rois: Tensor) -> Tensor:
        item, (left, top, right, bottom) = _split(rois)
        rows, columns = self._cells(top, bottom, x.shape[2]), self._cells(left, right, x.shape[3])
        sums = _sums(x).view(x.shape[0], self.outputs, self.group, self.group, x.shape[2] + 1, -1)
        output, step = (torch.arange(count, device=x.device) for count in (self.outputs, self.group))

        def up_to(row: Tensor, column: Tensor) -> Tensor:
            corner = row[:, None, :, None], column[:, None, None]
            at = (item[:, None, None, None], output[:, None, None], step[:, None], step, *corner)
            return sums[at]

        (above, below), (before, behind) = rows, columns
        total = up_to(below, behind) - up_to(above, behind) - up_to(below, before) + up_to(above, before)
        count = _count(rows, columns)
        return torch.where(count > 0, total / count.clamp(min=1), 0).to(x.dtype)


def _sums(x: Tensor) -> Tensor:
    """The sum of all pixels above and left of each corner, (N, C, H + 1, W + 1)."""
    # Differences of large sums need more digits than the sums; Apple's devices have no more than float32.
    wide = torch.float32 if x.device.type == "mps" else torch.float64
    return F.pad(x.to(wide).cumsum(2).cumsum(3), (1, 0, 1, 0))
