"""SpatialTransformer."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from netspec.data.thin_plate import Points, control_grid, spline_weights
from netspec.layers.base import Layer, Shape
from netspec.layers.fused_sampler import can_fuse, sample_affine
from netspec.layers.registry import layer
from netspec.layers.sampling import MODES, PADDINGS, Plane, positions, sample
from netspec.layers.transforms import AFFINE, PROJECTIVE, Transform, at_rest, find_transform, inverse
from netspec.schema.messages import SpatialTransformerParameter
from netspec.text.suggest import one_of

_FIXABLE = (*PROJECTIVE, "angle", "scale", "t1", "t2")  # what st_param can make constant
_TRANSFORMS = (
    "affine",
    "translation",
    "scale",
    "rotation",
    "similarity",
    "attention",
    "projective",
    "tps",
)


class _Spelling(NamedTuple):
    """The names that a fork gave the layer's settings."""

    param: str
    transform: tuple[str, ...]
    out_size: tuple[str, str]
    image_gradient: str


_OURS = _Spelling("st_param", ("transform_type",), ("output_H", "output_W"), "to_compute_dU")
_THEIRS = _Spelling(
    "spatial_transformer_param",
    ("transform_type", "transformer_type"),
    ("top_height", "top_width"),
    "first_bottom_diff",
)


@layer("SpatialTransformer", bottoms=2, tops=1, origin="STN fork")
class SpatialTransformer(Layer):
    """Samples an image where theta says.

    Positions are affine, pixels are mixed bilinearly, with zeros outside, unless st_param asks for something
    else. The second bottom carries the values of theta that st_param does not fix as constants, per item, in
    this order: "affine" theta_1_1 to theta_2_3, row by row; "projective" theta_1_1 to theta_3_2 of a
    homography; "attention" scale, t1, t2; "rotation", "scale", "translation" and what is joined of them with
    '+' angle, scale, t1, t2 of rotation * scale * translation ("similarity": all of them); "tps" how far each
    point of a regular grid of control points moves, row by row, first along the first coordinate, then along
    the second. A rotation alone takes its angle in half turns, -1 to 1, one of several parts takes it in
    radians, unless angle_unit says otherwise.

    Coordinates follow the convention of the Caffe forks, row first and left-aligned, or what `grid` and
    `order` say; `netspec.stn.convert_theta` brings an affine theta from one to another. They stay in float32
    when the rest is computed in less. With to_compute_dU false no gradient goes to the image. With
    de_transform the inverse of theta's map is used, which undoes what another such layer did with the same
    theta. With sampler_type "nearest" theta gets no gradient.

    Jaderberg et al., "Spatial transformer networks", 2015; thin plate splines: Bookstein, "Principal warps",
    1989; de_transform: Fang et al., "RMPE", 2017.

    Another fork wrote spatial_transformer_param, with other names for the same settings (a size of -1 is the
    bottom's), affine and bilinear only.
    """

    exact_bottoms = (1,)

    weights: Tensor
    rest: Tensor

    def setup(self, image: Shape, theta: Shape) -> None:
        self.spelling = self._spelling()
        if len(image) != 4:
            raise self.shape_error("the first bottom must be NxCxHxW", "bottom", 0)
        if theta[:1] != image[:1]:
            raise self.shape_error("theta must have as many items as the images", "bottom", 1)
        param = self.spec.st_param
        height, width = self.spelling.out_size
        self.out_size = self._size(height), self._size(width)  # None is the image's
        self.image_gradient: bool = self._setting(self.spelling.image_gradient)
        self.plane = Plane(
            SpatialTransformerParameter.Grid.Name(param.grid),
            param.order == SpatialTransformerParameter.ROW_FIRST,
        )
        self.mode = self._choice("sampler_type", MODES)
        self.padding = self._choice("padding", PADDINGS)
        self.undo = param.de_transform
        self.transform = self._transform()
        self.constants = self._constants(prod(theta[1:]))
        if self.transform is None:
            weights = spline_weights(self._pixels(image), param.control_points).astype(np.float32)
            self.register_buffer("weights", torch.from_numpy(weights), persistent=False)
            rest = torch.from_numpy(control_grid(param.control_points)).float()
            self.register_buffer("rest", rest if self.plane.row_first else rest.flip(1), persistent=False)

    def forward(self, image: Tensor, theta: Tensor) -> Tensor:
        source = image if self.image_gradient else image.detach()
        theta = self._values(theta)
        maps = self._canonical(theta)
        size = self._top_size(image.shape)
        if maps is not None and can_fuse(source, maps, size, self.mode, self.padding):
            return sample_affine(source, maps, size, self.plane)
        grid = self._grid(theta, maps, image.shape)
        top = sample(
            source.to(grid.dtype), grid, mode=self.mode, padding=self.padding, aligned=self.plane.aligned
        )
        return top.to(image.dtype)

    def identity(self) -> list[float]:
        """What the theta bottom must bring, per item, for a transform that leaves the image as it is, as far
        as the constants allow."""
        if self.transform is None:
            return [0.0] * (2 * self.spec.st_param.control_points**2)
        pairs = zip(at_rest(self.transform.entries), self.constants, strict=True)
        return [value for value, constant in pairs if constant is None]

    def theta_names(self) -> tuple[str, ...]:
        """What the values are called that the theta bottom must bring, per item: as in st_param, those of a
        spline by the coordinate and the number of the control point."""
        if self.transform is None:
            points = range(self.spec.st_param.control_points**2)
            return tuple(f"t{axis}[{point}]" for axis in (1, 2) for point in points)
        pairs = zip(self.transform.entries, self.constants, strict=True)
        return tuple(name for name, constant in pairs if constant is None)

    def trace(self, theta: Tensor, points: Points) -> Tensor:
        """Where points of the top come from.

        Args:
            theta: the second bottom, (N, ...).
            points: coordinates on the top's plane, (M, 2), as the layer's grid and order count them.

        Returns:
            Their places on the image's plane, (N, M, 2).
        """
        theta = self._values(theta)
        if self.transform is None:
            # Control points are numbered row by row of the plane, whichever coordinate comes first.
            by_row = points if self.plane.row_first else points[:, ::-1]
            weights = spline_weights(by_row, self.spec.st_param.control_points)
            return self._splined(theta, torch.from_numpy(weights).to(theta))
        homogeneous = theta.new_tensor(np.concatenate([points, np.ones((len(points), 1))], 1))
        places = homogeneous @ self._maps(theta).transpose(1, 2)
        return places[..., :2] / places[..., 2:] if places.shape[2] == 3 else places

    @torch.no_grad()
    def outside(self, theta: Tensor, image: Shape) -> Tensor:
        """The share, 0 to 1, of what is sampled that lies beyond the outer edges of the image's pixels.

        Args:
            theta: the second bottom, (N, ...).
            image: the shape of the first one.

        Returns:
            A scalar.
        """
        theta = self._values(theta)
        grid = self._grid(theta, self._canonical(theta), image)
        height, width = image[2:]
        reach = grid.new_tensor([self.plane.reach(width), self.plane.reach(height)])
        return (~(grid.abs() <= reach)).any(3).to(grid.dtype).mean()  # what is no number is outside, too

    # --------------------------------------------------------------------------------------------------

    def _top_size(self, image: Shape) -> tuple[int, int]:
        return self.out_size[0] or image[2], self.out_size[1] or image[3]

    def _grid(self, theta: Tensor, maps: Tensor | None, image: Shape) -> Tensor:
        """Where the pixels of the top come from: (N, H', W', 2), columns first, in `sample`'s coordinates.

        Args:
            theta: all values of theta.
            maps: what `_canonical` makes of them.
            image: the shape of the first bottom.
        """
        size = self._top_size(image)
        offset = self._offset(image, theta)
        if maps is None:
            return self._spline(theta, size) + offset
        rows, columns = (self.plane.coordinates(axis, theta) for axis in size)
        return positions(maps, rows, columns, offset)

    def _canonical(self, theta: Tensor) -> Tensor | None:
        """The maps between (row, column) and (column, row); None for a spline."""
        return None if self.transform is None else self.plane.canonical(self._maps(theta))

    def _offset(self, image: Shape, like: Tensor) -> Tensor:
        """What brings coordinates to `sample`'s own: two elements, made on the device in one go."""
        height, width = image[2:]
        ends = self.plane.offset(width), self.plane.offset(height)
        return torch.linspace(*ends, 2, dtype=like.dtype, device=like.device)

    def _spline(self, theta: Tensor, size: tuple[int, int]) -> Tensor:
        """Where a spline takes the pixels of the top: (N, H', W', 2), columns first."""
        places = self._splined(theta, self.weights.to(theta.dtype))
        places = places.flip(2) if self.plane.row_first else places
        return places.reshape(-1, *size, 2)

    def _values(self, theta: Tensor) -> Tensor:
        """All values of theta, (N, ...), in float32 or better."""
        theta = theta.flatten(1).to(torch.promote_types(theta.dtype, torch.float32))
        if all(value is None for value in self.constants):
            return theta
        carried = iter(theta.unbind(1))
        entries = (
            next(carried) if value is None else theta.new_full(theta.shape[:1], value)
            for value in self.constants
        )
        return torch.stack(list(entries), 1)

    def _maps(self, theta: Tensor) -> Tensor:
        assert self.transform is not None
        maps = self.transform.matrices(theta)
        return inverse(maps) if self.undo else maps

    def _splined(self, theta: Tensor, weights: Tensor) -> Tensor:
        """Where a spline takes the points that ``weights`` are for: (N, M, 2)."""
        moves = theta.reshape(len(theta), 2, -1).transpose(1, 2)
        return weights @ (moves + self.rest.to(theta.dtype))

    def _pixels(self, image: Shape) -> Points:
        """The pixels of the top, row by row, as (row, column) whatever the order: a spline's weights are the
        same for both."""
        sizes = (own or given for own, given in zip(self.out_size, image[2:], strict=True))
        axes = (np.linspace(*self.plane.ends(size), size) for size in sizes)
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], 1)

    # What the text says -----------------------------------------------------------------------------------

    def _spelling(self) -> _Spelling:
        if not self.spec.HasField(_THEIRS.param):
            return _OURS
        if self.spec.HasField(_OURS.param):
            message = f"takes {_OURS.param} or {_THEIRS.param}, not both"
            help = "they are two forks' names for the same settings"
            raise self.error(message, _THEIRS.param, help=help)
        other = self.spec.spatial_transformer_param
        for field, known in [*((name, "affine") for name in _THEIRS.transform), ("sampler_type", "bilinear")]:
            if other.HasField(field) and getattr(other, field) != known:
                message = f"{field} '{getattr(other, field)}' is not supported"
                raise self.error(
                    message, _THEIRS.param, field, help=f"'{known}' is; st_param knows more of them"
                )
        if other.HasField("theta_num") and other.theta_num != len(AFFINE):
            message = f"theta_num must be 6, not {other.theta_num}"
            raise self.error(message, _THEIRS.param, "theta_num")
        return _THEIRS

    def _setting(self, field: str) -> Any:
        return getattr(getattr(self.spec, self.spelling.param), field)

    def _choice(self, field: str, known: tuple[str, ...]) -> str:
        value: str = getattr(self.spec.st_param, field)
        if value not in known:
            raise self.error(f"{field} '{value}' is not supported", "st_param", field, help=one_of(known))
        return value

    def _size(self, field: str) -> int | None:
        if not getattr(self.spec, self.spelling.param).HasField(field):
            return None
        size: int = self._setting(field)
        if size == -1 and self.spelling is _THEIRS:
            return None
        if size < 1:
            raise self.error(f"{field} must be at least 1, not {size}", self.spelling.param, field)
        return size

    def _transform(self) -> Transform | None:
        """What theta describes; None for a spline, which is not given by a matrix."""
        param = self.spec.st_param
        name, unit = param.transform_type, param.angle_unit
        if name == "tps":
            if param.control_points < 2:
                message = f"control_points must be at least 2, not {param.control_points}"
                help = "so many along each axis; fewer do not fix a map"
                raise self.error(message, "st_param", "control_points", help=help)
            if self.undo:
                message = "de_transform does not go with transform_type 'tps'"
                help = "a spline has no inverse of its kind"
                raise self.error(message, "st_param", "de_transform", help=help)
            return None
        turns = unit == SpatialTransformerParameter.HALF_TURN if param.HasField("angle_unit") else None
        transform = find_transform(name, half_turns=turns)
        if transform is None:
            help = f"{one_of(_TRANSFORMS)}, or rotation, scale, translation joined by '+'"
            raise self.error(
                f"transform_type '{name}' is not supported", "st_param", "transform_type", help=help
            )
        return transform

    def _constants(self, carried: int) -> list[float | None]:
        """The fixed values of theta; None for those that the bottom brings, ``carried`` per item."""
        param = self.spec.st_param
        entries = self.transform.entries if self.transform else ()
        given = [name for name in _FIXABLE if param.HasField(name)]
        for name in given:
            if name not in entries:
                known = f"its values are {', '.join(entries)}" if entries else "its values cannot be fixed"
                message = f"'{name}' is no value of transform_type '{param.transform_type}'"
                raise self.error(message, "st_param", name, help=known)
        total = len(entries) or 2 * param.control_points**2
        if len(given) + carried != total:
            fixed = f"st_param fixes {len(given)} ({', '.join(given)})" if given else "st_param fixes none"
            of = "" if param.transform_type == "affine" else f" of transform_type '{param.transform_type}'"
            free = f"so that the theta bottom must bring {total - len(given)} per item, not {carried}"
            raise self.shape_error(f"theta{of} has {total} entries: {fixed}, {free}", "bottom", 1)
        if not entries:
            return [None]
        return [getattr(param, name) if name in given else None for name in entries]


@layer("ST", bottoms=2, tops=1, origin="other fork")
class ST(SpatialTransformer):
    """SpatialTransformer, by the name that another fork gave it."""
