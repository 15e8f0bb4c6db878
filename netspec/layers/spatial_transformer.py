"""SpatialTransformer."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer

_ENTRIES = tuple(f"theta_{row}_{column}" for row in (1, 2) for column in (1, 2, 3))


class _Spelling(NamedTuple):
    """The names that a fork gave the layer's settings."""

    param: str
    transform: tuple[str, ...]
    out_size: tuple[str, str]
    image_gradient: str


_SPELLINGS = (
    _Spelling("st_param", ("transform_type",), ("output_H", "output_W"), "to_compute_dU"),
    _Spelling(
        "spatial_transformer_param",
        ("transform_type", "transformer_type"),
        ("top_height", "top_width"),
        "first_bottom_diff",
    ),
)


def positions(theta: Tensor, height: int, width: int, offset: Tensor | float = 0) -> Tensor:
    """Where affine maps theta (N, 2, 3) take the pixels of a plane.

    Pixel (s, t) has the coordinates (2s/H - 1, 2t/W - 1, 1): row first, left-aligned.

    Returns:
        What theta makes of them, plus ``offset`` (2), as (N, height, width, 2).
    """
    rows = _left_aligned(height, theta)[:, None, None]
    columns = _left_aligned(width, theta)[:, None]
    by_row, by_column, shift = (theta[:, None, None, :, index] for index in range(3))
    return by_row * rows + (by_column * columns + (shift + offset))


def legacy_grid(theta: Tensor, height: int, width: int, input_height: int, input_width: int) -> Tensor:
    """The places at which an affine transform samples, for `grid_sample` with align_corners=False.

    ``theta`` (N, 2, 3) takes the output's pixels to `positions` p, row first, which mean the input position
    h = (p_h + 1)/2 H in pixels. In `grid_sample`'s own coordinates, columns first, that is p + 1/size.

    Returns:
        The grid, (N, height, width, 2).
    """
    # Two elements, made on the device in one go.
    half_pixel = torch.linspace(1 / input_width, 1 / input_height, 2, dtype=theta.dtype, device=theta.device)
    return positions(theta.flip(1), height, width, half_pixel)


def inverse(theta: Tensor) -> Tensor:
    """The maps (N, 2, 3) that undo affine ones; the identity, without gradient, for what cannot be undone."""
    identity = torch.eye(2, 3, dtype=theta.dtype, device=theta.device)
    singular = theta[:, 0, 0] * theta[:, 1, 1] == theta[:, 0, 1] * theta[:, 1, 0]
    a, b, c, d, e, f = torch.where(singular[:, None, None], identity, theta).flatten(1).unbind(1)
    adjugate = torch.stack([e, -b, b * f - c * e, -d, a, c * d - a * f], 1)
    return (adjugate / (a * e - b * d)[:, None]).reshape(-1, 2, 3)


def _left_aligned(size: int, like: Tensor) -> Tensor:
    return torch.linspace(-1, 1 - 2 / size, size, dtype=like.dtype, device=like.device)


@layer("SpatialTransformer", bottoms=2, tops=1, origin="STN fork")
class SpatialTransformer(Layer):
    """Samples an image at affinely transformed positions, bilinearly, with zeros outside.

    The second bottom carries theta, 2x3 row by row, but for the entries that st_param fixes as constants.
    Positions follow the convention of the Caffe forks, see `legacy_grid`; they stay in float32 when the rest
    is computed in less. With to_compute_dU false no gradient goes to the image. With de_transform the inverse
    of theta's map is used, which undoes what another such layer did with the same theta. Jaderberg et al.,
    "Spatial transformer networks", 2015; de_transform: Fang et al., "RMPE", 2017.

    Another fork wrote spatial_transformer_param, with other names for the same settings (a size of -1 is the
    bottom's) and without constants.
    """

    def setup(self, image: Shape, theta: Shape) -> None:
        self.spelling = self._spelling()
        self._check_kind()
        if len(image) != 4:
            raise self.shape_error("the first bottom must be NxCxHxW", "bottom", 0)
        if theta[:1] != image[:1]:
            raise self.shape_error("theta must have as many items as the images", "bottom", 1)
        height, width = self.spelling.out_size
        self.out_size = self._size(height), self._size(width)
        self.image_gradient: bool = self._setting(self.spelling.image_gradient)
        self.constants = self._constants(prod(theta[1:]))
        self.undo = self.spec.st_param.de_transform

    def _spelling(self) -> _Spelling:
        given = [spelling for spelling in _SPELLINGS if self.spec.HasField(spelling.param)]
        if len(given) > 1:
            first, second = (spelling.param for spelling in given)
            message = f"takes {first} or {second}, not both"
            raise self.error(message, second, help="they are two forks' names for the same settings")
        return given[0] if given else _SPELLINGS[0]

    def _setting(self, field: str) -> Any:
        return getattr(getattr(self.spec, self.spelling.param), field)

    def _given(self, field: str) -> bool:
        return bool(getattr(self.spec, self.spelling.param).HasField(field))

    def _check_kind(self) -> None:
        kinds = [(field, "affine") for field in self.spelling.transform] + [("sampler_type", "bilinear")]
        for field, known in kinds:
            if self._given(field) and self._setting(field) != known:
                message = f"{field} '{self._setting(field)}' is not supported"
                raise self.error(message, self.spelling.param, field, help=f"'{known}' is")
        other = self.spec.spatial_transformer_param
        if other.HasField("theta_num") and other.theta_num != len(_ENTRIES):
            message = f"theta_num must be {len(_ENTRIES)}, not {other.theta_num}"
            raise self.error(message, "spatial_transformer_param", "theta_num")

    def _size(self, field: str) -> int | None:
        if not self._given(field):
            return None
        size: int = self._setting(field)
        if size == -1 and self.spelling.param == "spatial_transformer_param":
            return None
        if size < 1:
            raise self.error(f"{field} must be at least 1, not {size}", self.spelling.param, field)
        return size

    def _constants(self, carried: int) -> list[float | None]:
        """The fixed entries of theta; None for those that the bottom brings, ``carried`` per item."""
        param = self.spec.st_param
        given = [name for name in _ENTRIES if param.HasField(name)]
        if len(given) + carried != len(_ENTRIES):
            fixed = f"st_param fixes {len(given)} ({', '.join(given)})" if given else "st_param fixes none"
            rule = f"theta has 6 entries: {fixed}, so that the theta bottom must bring {6 - len(given)}"
            raise self.shape_error(f"{rule} per item, not {carried}", "bottom", 1)
        return [getattr(param, name) if name in given else None for name in _ENTRIES]

    def forward(self, image: Tensor, theta: Tensor) -> Tensor:
        h, w = image.shape[2:]
        height, width = self.out_size
        grid = legacy_grid(self.matrices(theta), height or h, width or w, h, w)
        source = image if self.image_gradient else image.detach()
        return F.grid_sample(source.to(grid.dtype), grid, align_corners=False).to(image.dtype)

    def matrices(self, theta: Tensor) -> Tensor:
        """The maps (N, 2, 3) of a theta bottom together with the fixed entries, or with de_transform their
        inverses, in float32 or better."""
        theta = theta.flatten(1).to(torch.promote_types(theta.dtype, torch.float32))
        if any(value is not None for value in self.constants):
            carried = iter(theta.unbind(1))
            entries = (
                next(carried) if value is None else theta.new_full(theta.shape[:1], value)
                for value in self.constants
            )
            theta = torch.stack(list(entries), 1)
        theta = theta.reshape(-1, 2, 3)
        return inverse(theta) if self.undo else theta


@layer("ST", bottoms=2, tops=1, origin="other fork")
class ST(SpatialTransformer):
    """SpatialTransformer, by the name that another fork gave it."""
