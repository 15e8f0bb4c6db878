"""What the values of theta mean: the maps between planes that spatial transformers sample by.

A plane's coordinates are (row, column) or (column, row), as the layer's ``order`` says; nothing here depends
on which, nor on where in a pixel they lie (`netspec.layers.sampling`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import pi
from typing import Protocol

import torch
from torch import Tensor

AFFINE = tuple(f"theta_{row}_{column}" for row in (1, 2) for column in (1, 2, 3))
PROJECTIVE = (*AFFINE, "theta_3_1", "theta_3_2")
_PARTS = {"rotation": ("angle",), "scale": ("scale",), "translation": ("t1", "t2")}
_AT_REST = {"theta_1_1": 1.0, "theta_2_2": 1.0, "scale": 1.0}


class Transform(Protocol):
    """A family of maps that theta picks one from.

    Attributes:
        entries: the values of theta in order, by the names under which ``st_param`` can make them constant.
    """

    @property
    def entries(self) -> tuple[str, ...]: ...

    def matrices(self, theta: Tensor) -> Tensor:
        """The maps of theta (N, entries), as matrices (N, 2, 3), or (N, 3, 3) for homogeneous coordinates."""
        ...


def at_rest(entries: Iterable[str]) -> list[float]:
    """The values of theta that make a transform the identity."""
    return [_AT_REST.get(entry, 0.0) for entry in entries]


@dataclass(frozen=True)
class Affine:
    """theta is the matrix, row by row."""

    entries: tuple[str, ...] = AFFINE

    def matrices(self, theta: Tensor) -> Tensor:
        return theta.reshape(-1, 2, 3)


@dataclass(frozen=True)
class Attention:
    """Looks at a window: [[scale, 0, t1], [0, scale, t2]]. Jaderberg et al., 2015, equation 2."""

    entries: tuple[str, ...] = ("scale", "t1", "t2")

    def matrices(self, theta: Tensor) -> Tensor:
        scale, first, second = theta.unbind(1)
        zero = torch.zeros_like(scale)
        return torch.stack([scale, zero, first, zero, scale, second], 1).reshape(-1, 2, 3)


@dataclass(frozen=True)
class Composed:
    """Rotation * scale * translation, of which the absent ones are the identity.

    With R = [[cos, -sin], [sin, cos]] that is scale * [R, R t]: what is translated is then scaled and turned.
    Torch's stnbhwd composes them so.

    Attributes:
        entries: those of angle, scale, t1 and t2 that theta has, in this order.
        angle_unit: an angle of 1, in radians.
    """

    entries: tuple[str, ...]
    angle_unit: float

    def matrices(self, theta: Tensor) -> Tensor:
        value = dict(zip(self.entries, theta.unbind(1), strict=True))
        one = torch.ones_like(theta[:, 0])
        scale = value.get("scale", one)
        if "angle" in value:
            angle = value["angle"] * self.angle_unit
            cos, sin = scale * angle.cos(), scale * angle.sin()
        else:
            cos, sin = scale, torch.zeros_like(one)
        first, second = (value.get(name, 0 * one) for name in ("t1", "t2"))
        rows = [cos, -sin, cos * first - sin * second, sin, cos, sin * first + cos * second]
        return torch.stack(rows, 1).reshape(-1, 2, 3)


@dataclass(frozen=True)
class Projective:
    """theta is a homography row by row; the last entry of the matrix is 1."""

    entries: tuple[str, ...] = PROJECTIVE

    def matrices(self, theta: Tensor) -> Tensor:
        return torch.cat([theta, torch.ones_like(theta[:, :1])], 1).reshape(-1, 3, 3)


def find_transform(name: str, *, half_turns: bool | None = None) -> Transform | None:
    """The transform that a net's text names, one given by control points aside; None where there is none.

    Args:
        name: as in ``transform_type``.
        half_turns: whether angles are in half turns, not radians; None: where the angle stands alone.
    """
    known: dict[str, Transform] = {
        "affine": Affine(),
        "attention": Attention(),
        "projective": Projective(),
    }
    if name in known:
        return known[name]
    parts = list(_PARTS) if name == "similarity" else re.split(r"[+_]", name)
    if not set(parts) <= _PARTS.keys() or len(set(parts)) < len(parts):
        return None
    entries = tuple(entry for part, own in _PARTS.items() if part in parts for entry in own)
    if half_turns is None:
        half_turns = entries == ("angle",)
    return Composed(entries, pi if half_turns else 1.0)


def inverse(maps: Tensor) -> Tensor:
    """The maps that undo others, of the same shape, (N, 2, 3) or (N, 3, 3); the identity, without gradient,
    for what cannot be undone."""
    square = _square(maps)
    identity = torch.eye(3, dtype=maps.dtype, device=maps.device)
    size = square.abs().amax(2).prod(1)[:, None, None]  # what a determinant is small beside
    singular = _determinant(square).abs() <= 8 * torch.finfo(maps.dtype).eps * size
    square = torch.where(singular, identity, square)
    first, second, third = square.unbind(1)
    columns = [torch.linalg.cross(a, b) for a, b in ((second, third), (third, first), (first, second))]
    return torch.stack(columns, 2)[:, : maps.shape[1]] / _determinant(square)


def _square(maps: Tensor) -> Tensor:
    if maps.shape[1] == 3:
        return maps
    last = torch.eye(3, dtype=maps.dtype, device=maps.device)[2:]
    return torch.cat([maps, last.expand(len(maps), 1, 3)], 1)


def _determinant(square: Tensor) -> Tensor:
    """Of matrices (N, 3, 3), as (N, 1, 1)."""
    first, second, third = square.unbind(1)
    determinant: Tensor = (first * torch.linalg.cross(second, third)).sum(1)[:, None, None]
    return determinant
