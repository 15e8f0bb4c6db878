import numpy as np
import pytest
import torch


@pytest.mark.parametrize(("param", "axis"), [("", 1), ("axis: 0", 0), ("axis: -1", 2), ("concat_dim: 2", 2)])
def test_values_and_gradient(build, gradcheck, randn, param, axis):
    shapes = [tuple(size + (i == axis) * more for i, size in enumerate((2, 3, 4))) for more in range(3)]
    layer = build(f'type: "Concat" concat_param {{ {param} }}', *shapes)
    bottoms = [randn(*shape) for shape in shapes]
    expected = np.concatenate([bottom.detach().numpy() for bottom in bottoms], axis)
    np.testing.assert_array_equal(layer(*bottoms).detach(), expected)
    assert layer.shapes == [expected.shape]
    gradcheck(layer, *bottoms)


def test_a_single_bottom(build):
    assert torch.equal(build('type: "Concat"', (2, 3))(torch.ones(2, 3)), torch.ones(2, 3))


def test_other_axes_differ(rejects):
    message = "on b0 2x3x4, b1 2x9x5: all axes but axis 1 must be equal"
    rejects(message, '"b1"', 'type: "Concat"', (2, 3, 4), (2, 9, 5))


def test_other_number_of_axes(rejects):
    rejects("all axes but axis 1 must be equal", '"b1"', 'type: "Concat"', (2, 3), (2, 3, 1))


def test_both_spellings(rejects):
    rejects("not both", "1", 'type: "Concat" concat_param { axis: 0 concat_dim: 1 }', (2, 3), (2, 3))


def test_no_such_axis(rejects):
    rejects("axis 2 of a blob with 2 axes", "2", 'type: "Concat" concat_param { axis: 2 }', (2, 3), (2, 3))
