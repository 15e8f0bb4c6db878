"""Thin plate splines: smooth maps of the plane that control points pin down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def spline_weights(points: Points, control: int) -> Points:
    """How much each control point's place counts at each of ``points``, in the smoothest map through all.

    That map is linear in the places, so the system is solved once, for any places. The control points are a
    regular grid from -1 to 1, (``control``, ``control``), row by row. Bookstein, "Principal warps", 1989.

    Args:
        points: (M, 2).
        control: points along each axis, at least 2: fewer do not fix a map.

    Returns:
        The weights, (M, control^2).
    """
    grid = control_grid(control)
    count = len(grid)
    system = np.zeros((count + 3, count + 3))
    system[:count] = _basis(grid, grid)
    system[count:, :count] = system[:count, count:].T
    # Both sides are symmetric: the transposed system gives the weights without inverting anything.
    weights: Points = np.linalg.solve(system, _basis(points, grid).T).T[:, :count]
    return weights


def _basis(points: Points, grid: Points) -> Points:
    """r^2 log r^2 of each point's distance to each of the grid's, then 1 and the point itself."""
    squares = ((points[:, None] - grid) ** 2).sum(-1)
    bent = squares * np.log(np.where(squares > 0, squares, 1))
    return np.concatenate([bent, np.ones((len(points), 1)), points], 1)


def control_grid(control: int) -> Points:
    """Where the control points rest: (control^2, 2), row by row, from -1 to 1."""
    steps = np.linspace(-1, 1, control)
    return np.stack([axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij")], 1)
