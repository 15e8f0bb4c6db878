import numpy as np
import pytest
import torch

from netspec.errors import ShapeError
from netspec.layers.base import as_tuple


@pytest.mark.parametrize(
    ("param", "tops", "cuts", "axis"),
    [
        ("", 3, [2, 4], 1),
        ("slice_point: 1 slice_point: 3", 3, [1, 3], 1),
        ("axis: 0", 2, [1], 0),
        ("slice_dim: 2 slice_point: 1", 2, [1], 2),
        ("axis: -1", 4, [1, 2, 3], 2),
        ("", 1, [], 1),
    ],
)
def test_values_and_gradient(build, gradcheck, randn, param, tops, cuts, axis):
    layer = build(f'type: "Slice" slice_param {{ {param} }}', (2, 6, 4), tops=tops)
    x = randn(2, 6, 4)
    for top, expected in zip(as_tuple(layer(x)), np.split(x.detach().numpy(), cuts, axis), strict=True):
        np.testing.assert_array_equal(top.detach(), expected)
    gradcheck(layer, x)


@pytest.mark.parametrize(("param", "lengths"), [("", [3, 3]), ("slice_point: 1", [1, 5])])
def test_along_the_batch_another_one_than_the_text_s(build, param, lengths):
    layer = build(f'type: "Slice" slice_param {{ axis: 0 {param} }}', (4, 2), tops=2)
    assert [len(top) for top in layer(torch.ones(6, 2))] == lengths


def test_a_batch_that_does_not_divide(build):
    layer = build('type: "Slice" slice_param { axis: 0 }', (4, 2), tops=2)
    with pytest.raises(ShapeError, match=r"axis 0 \(5\) does not divide into 2 equal tops"):
        layer(torch.ones(5, 2))


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        (r"axis 1 \(5\) does not divide into 2 equal tops", "layer", ""),
        ("2 tops need 1 slice_points, not 2", "1", "slice_point: 1 slice_point: 2"),
        ("between 0 and 5", "5", "slice_point: 5"),
        ("between 0 and 5", "0", "slice_point: 0"),
        ("not both", "1", "axis: 1 slice_dim: 1"),
    ],
)
def test_refused(rejects, message, marked, param):
    rejects(message, marked, f'type: "Slice" slice_param {{ {param} }}', (2, 5), tops=2)


def test_points_must_rise(rejects):
    text = 'type: "Slice" slice_param { slice_point: 3 slice_point: 2 }'
    rejects("slice_points must rise", "3", text, (2, 5), tops=3)


def test_a_single_top_is_a_tensor(build):
    x = torch.ones(2, 3)
    assert torch.equal(build('type: "Slice"', (2, 3))(x), x)
