"""SpatialTransformer."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_PARAM = "st_param"
_ENTRIES = tuple(f"theta_{row}_{column}" for row in (1, 2) for column in (1, 2, 3))


def legacy_grid(theta: Tensor, height: int, width: int, input_height: int, input_width: int) -> Tensor:
    """The places at which an affine transform samples, for `grid_sample` with align_corners=False.

    Output pixel (s, t) has the coordinates (2s/H' - 1, 2t/W' - 1, 1): row first, left-aligned. ``theta``
    (N, 2, 3) takes them to (p_h, p_w), which mean the input position h = (p_h + 1)/2 H in pixels. In
    `grid_sample`'s own coordinates, columns first, that is p + 1/size.

    Returns:
        The grid, (N, height, width, 2).
    """
    theta = theta.flip(1)
    rows = _left_aligned(height, theta)[:, None, None]
    columns = _left_aligned(width, theta)[:, None]
    # Two elements, made on the device in one go.
    half_pixel = torch.linspace(1 / input_width, 1 / input_height, 2, dtype=theta.dtype, device=theta.device)
    by_row, by_column, shift = (theta[:, None, None, :, index] for index in range(3))
    return by_row * rows + (by_column * columns + (shift + half_pixel))


def _left_aligned(size: int, like: Tensor) -> Tensor:
    return torch.linspace(-1, 1 - 2 / size, size, dtype=like.dtype, device=like.device)


@layer("SpatialTransformer", bottoms=2, tops=1, origin="STN fork")
class SpatialTransformer(Layer):
    """Samples an image at affinely transformed positions, bilinearly, with zeros outside.

    The second bottom carries theta, 2x3 row by row, but for the entries that st_param fixes as constants.
    Positions follow the convention of the Caffe forks, see `legacy_grid`; they stay in float32 when the rest
    is computed in less. With to_compute_dU false no gradient goes to the image. Jaderberg et al., "Spatial
    transformer networks", 2015.
    """

    def setup(self, image: Shape, theta: Shape) -> None:
        param = self.spec.st_param
        self._check_kind()
        if len(image) != 4:
            raise self.shape_error("the first bottom must be NxCxHxW", "bottom", 0)
        if theta[:1] != image[:1]:
            raise self.shape_error("theta must have as many items as the images", "bottom", 1)
        self.out_size = self._size("output_H"), self._size("output_W")
        self.image_gradient = param.to_compute_dU
        given = [name for name in _ENTRIES if param.HasField(name)]
        self._check_theta(given, prod(theta[1:]))
        self.constants = [getattr(param, name) if name in given else None for name in _ENTRIES]

    def _check_kind(self) -> None:
        for field, known in (("transform_type", "affine"), ("sampler_type", "bilinear")):
            value = getattr(self.spec.st_param, field)
            if value != known:
                raise self.error(f"{field} '{value}' is not supported", _PARAM, field, help=f"'{known}' is")

    def _size(self, field: str) -> int | None:
        param = self.spec.st_param
        if not param.HasField(field):
            return None
        size: int = getattr(param, field)
        if size < 1:
            raise self.error(f"{field} must be at least 1, not {size}", _PARAM, field)
        return size

    def _check_theta(self, given: list[str], carried: int) -> None:
        if len(given) + carried != len(_ENTRIES):
            fixed = f"st_param fixes {len(given)} ({', '.join(given)})" if given else "st_param fixes none"
            rule = f"theta has 6 entries: {fixed}, so that the theta bottom must bring {6 - len(given)}"
            raise self.shape_error(f"{rule} per item, not {carried}", "bottom", 1)

    def forward(self, image: Tensor, theta: Tensor) -> Tensor:
        h, w = image.shape[2:]
        height, width = self.out_size
        grid = legacy_grid(self.matrices(theta), height or h, width or w, h, w)
        source = image if self.image_gradient else image.detach()
        return F.grid_sample(source.to(grid.dtype), grid, align_corners=False).to(image.dtype)

    def matrices(self, theta: Tensor) -> Tensor:
        """The matrices (N, 2, 3) of a theta bottom together with the fixed entries, in float32 or better."""
        theta = theta.flatten(1).to(torch.promote_types(theta.dtype, torch.float32))
        if any(value is not None for value in self.constants):
            carried = iter(theta.unbind(1))
            entries = (
                next(carried) if value is None else theta.new_full(theta.shape[:1], value)
                for value in self.constants
            )
            theta = torch.stack(list(entries), 1)
        return theta.reshape(-1, 2, 3)
