"""Thetas of other frameworks, brought to the convention in which a net was trained, or out of it."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.sampling import Plane

__all__ = ["CONVENTIONS", "Plane", "convert_theta"]

CONVENTIONS = {
    "caffe": Plane("CAFFE", row_first=True),
    "torch": Plane("ALIGNED", row_first=True),
    "pytorch": Plane("HALF_PIXEL", row_first=False),
    "pytorch_aligned": Plane("ALIGNED", row_first=False),
    "lasagne": Plane("ALIGNED", row_first=False),
}
"""The conventions of the Caffe forks, of Torch's stnbhwd, of PyTorch's `affine_grid` with ``align_corners``
false and true, and of Lasagne. In ``st_param`` they are ``grid`` and ``order``."""


def convert_theta(
    theta: Tensor,
    source: str | Plane,
    target: str | Plane,
    *,
    input_size: tuple[int, int],
    output_size: tuple[int, int] | None = None,
) -> Tensor:
    """The affine theta that samples the same pixels in another convention.

    Args:
        theta: affine maps, (..., 6) or (..., 2, 3), in the convention ``source``.
        source: a name of `CONVENTIONS`, or a plane of one's own.
        target: likewise.
        input_size: height and width of the images that are sampled.
        output_size: height and width of what is made of them; the same by default.

    Returns:
        The maps in the convention ``target``, of the shape and type of ``theta``.

    Raises:
        ValueError: a name or a shape is none, or a size leaves no room between its outer pixels' centres.
    """
    if theta.shape[-1:] != (6,) and theta.shape[-2:] != (2, 3):
        raise ValueError(f"theta is (..., 6) or (..., 2, 3), not {tuple(theta.shape)}")
    sizes = output_size or input_size, input_size
    (old_out, old_in), (new_out, new_in) = (
        [_from_pixels(_plane(plane), size) for size in sizes] for plane in (source, target)
    )
    last = torch.tensor([[0.0, 0, 1]], dtype=torch.float64, device=theta.device)
    maps = theta.double().reshape(-1, 2, 3)
    square = torch.cat([maps, last.expand(len(maps), 1, 3)], 1)
    into, behind = (new_in @ old_in.inverse()).to(square), (old_out @ new_out.inverse()).to(square)
    return (into @ square @ behind)[:, :2].reshape(theta.shape).to(theta.dtype)


def _plane(convention: str | Plane) -> Plane:
    if isinstance(convention, Plane):
        return convention
    if convention not in CONVENTIONS:
        raise ValueError(f"expected a convention ({', '.join(CONVENTIONS)}), not '{convention}'")
    return CONVENTIONS[convention]


def _from_pixels(plane: Plane, size: tuple[int, int]) -> Tensor:
    """The matrix (3, 3) from a pixel's (row, column, 1), counted from 0, to its coordinates and 1."""
    if min(size) < (2 if plane.aligned else 1):
        least = "2 with aligned corners, whose coordinates end at the outer pixels' centres"
        raise ValueError(f"a size is at least {least if plane.aligned else 1}, not {min(size)}")
    matrix = torch.eye(3, dtype=torch.float64)
    for axis, length in enumerate(size):
        matrix[axis, axis] = 2 / (length - 1 if plane.aligned else length)
        matrix[axis, 2] = plane.ends(length)[0]
    return matrix if plane.row_first else matrix[[1, 0, 2]]
