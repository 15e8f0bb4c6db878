"""Thin plate splines."""

import numpy as np

from netspec.data.thin_plate import control_grid, spline_weights


def test_a_spline_goes_through_its_control_points():
    grid = control_grid(4)
    np.testing.assert_allclose(spline_weights(grid, 4), np.eye(16), atol=1e-10)
    np.testing.assert_allclose(spline_weights(np.random.default_rng(0).normal(size=(5, 2)), 4).sum(1), 1)
