import numpy as np
import pytest


def _layer(*order):
    return f'type: "Permute" permute_param {{ {" ".join(f"order: {axis}" for axis in order)} }}'


@pytest.mark.parametrize(
    ("order", "whole"),
    [
        ((0, 2, 3, 1), (0, 2, 3, 1)),
        ((2,), (2, 0, 1, 3)),
        ((3, 1), (3, 1, 0, 2)),
        ((), (0, 1, 2, 3)),
        ((3, 2, 1, 0), (3, 2, 1, 0)),
    ],
)
def test_values_and_gradient(build, gradcheck, randn, order, whole):
    layer, x = build(_layer(*order), (2, 3, 1, 4)), randn(2, 3, 1, 4)
    np.testing.assert_array_equal(layer(x).detach(), np.transpose(x.detach().numpy(), whole))
    assert layer.shapes == [tuple(x.shape[axis] for axis in whole)]
    gradcheck(layer, x)


def test_an_axis_named_twice(rejects):
    rejects("order names axis 1 twice", "1", _layer(0, 1, 1), (2, 3, 4))


def test_no_such_axis(rejects):
    rejects("no axis 3 of a blob with 3 axes", "3", _layer(0, 3), (2, 3, 4))
