import numpy as np
import pytest


@pytest.mark.parametrize("radius", [False, True])
def test_values_and_gradient(build, gradcheck, randn, radius):
    param = "coordinates_param { with_radius: true }" if radius else ""
    layer, x = build(f'type: "Coordinates" {param}', (2, 3, 4, 5)), randn(2, 3, 4, 5)
    top = layer(x).detach().numpy()
    assert layer.shapes == [(2, 6 if radius else 5, 4, 5)] == [top.shape]
    np.testing.assert_array_equal(top[:, :3], x.detach())
    for s, t in np.ndindex(4, 5):
        row, column = -1 + 2 * s / 3, -1 + 2 * t / 4
        expected = [row, column] + [np.sqrt(row**2 + column**2)] * radius
        np.testing.assert_allclose(top[:, 3:, s, t], [expected] * 2, atol=1e-12)
    gradcheck(layer, x)


def test_shapes(rejects):
    rejects("must be NxCxHxW", '"b0"', 'type: "Coordinates"', (2, 3))
