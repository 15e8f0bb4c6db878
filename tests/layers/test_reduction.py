import numpy as np
import pytest
import torch

_OPERATIONS = {
    "SUM": lambda values: sum(values),
    "ASUM": lambda values: sum(abs(value) for value in values),
    "SUMSQ": lambda values: sum(value**2 for value in values),
    "MEAN": lambda values: sum(values) / len(values),
}


@pytest.mark.parametrize(("axis", "kept"), [(0, 0), (1, 1), (2, 2), (-1, 2), (-3, 0)])
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_values_and_gradient(build, gradcheck, randn, operation, axis, kept):
    param = f"operation: {operation} axis: {axis} coeff: -0.5"
    layer, x = build(f'type: "Reduction" reduction_param {{ {param} }}', (2, 3, 4)), randn(2, 3, 4)
    assert layer.shapes == [x.shape[:kept]]
    rows = x.detach().numpy().reshape(*x.shape[:kept], -1)
    expected = -0.5 * np.apply_along_axis(_OPERATIONS[operation], -1, rows)
    np.testing.assert_allclose(layer(x).detach(), expected)
    gradcheck(layer, x)


def test_the_default_is_the_sum_of_all(build):
    layer = build('type: "Reduction"', (2, 3))
    assert layer(torch.ones(5, 3)).item() == 15


def test_at_zero_a_magnitude_has_no_gradient(build):
    x = torch.tensor([-2.0, 0, 2], requires_grad=True)
    build('type: "Reduction" reduction_param { operation: ASUM }', (3,))(x).backward()
    assert x.grad.tolist() == [-1, 0, 1]


def test_no_such_axis(rejects):
    rejects("no axis 2 of a blob", "2", 'type: "Reduction" reduction_param { axis: 2 }', (2, 3))
