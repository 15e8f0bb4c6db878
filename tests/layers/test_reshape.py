import numpy as np
import pytest
import torch

from netspec.errors import ShapeError


@pytest.mark.parametrize(
    ("param", "shape"),
    [
        ("shape { dim: 0 dim: 2 dim: -1 }", (2, 2, 6)),
        ("shape { dim: 0 dim: 0 dim: 2 dim: 2 }", (2, 3, 2, 2)),
        ("shape { dim: 6 dim: -1 } axis: 1", (2, 6, 2)),
        ("shape { dim: 2 dim: 2 } axis: -2", (2, 3, 2, 2)),
        ("shape { dim: 6 } num_axes: 2", (6, 4)),
        ("shape { dim: 1 } axis: 1 num_axes: 0", (2, 1, 3, 4)),
        ("shape { dim: 1 } axis: -1 num_axes: 0", (2, 3, 4, 1)),
    ],
)
def test_shape_values_and_gradient(build, gradcheck, randn, param, shape):
    layer, x = build(f'type: "Reshape" reshape_param {{ {param} }}', (2, 3, 4)), randn(2, 3, 4)
    assert layer.shapes == [shape]
    np.testing.assert_array_equal(layer(x).detach(), x.detach().numpy().reshape(shape))
    gradcheck(layer, x)


def test_no_dims_make_a_scalar(build, gradcheck, randn):
    layer, x = build('type: "Reshape" reshape_param { shape { } }', (1, 1)), randn(1, 1)
    assert layer.shapes == [()]
    assert layer(x).item() == x.item()
    gradcheck(layer, x)


def test_another_batch_than_the_text_s(build):
    layer = build('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } }', (2, 3, 4))
    assert layer(torch.ones(5, 3, 4)).shape == (5, 12)


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("a dim is a length", "shape", "shape { dim: -1 dim: -1 }"),
        ("a dim is a length", "shape", "shape { dim: -2 }"),
        ("keeps an axis that the bottom does not have", "shape", "shape { dim: 0 dim: 0 dim: 0 dim: 0 }"),
        (r"2x3x4 \(24 elements\) does not reshape to 5x5", "shape", "shape { dim: 5 dim: 5 }"),
        ("does not reshape to 5x-1", "shape", "shape { dim: 5 dim: -1 }"),
        ("axis 4 of a blob with 3 axes", "4", "axis: 4"),
        ("num_axes 3 from axis 1 on", "3", "axis: 1 num_axes: 3"),
    ],
)
def test_refused(rejects, message, marked, param):
    rejects(message, marked, f'type: "Reshape" reshape_param {{ {param} }}', (2, 3, 4))


def test_a_wrong_count_is_a_shape_error(rejects):
    text = 'type: "Reshape" reshape_param { shape { dim: 7 } }'
    rejects("on b0 2x3: ", "shape", text, (2, 3), error=ShapeError)
