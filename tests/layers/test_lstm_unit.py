import numpy as np
import pytest
import torch

from netspec.errors import ShapeError

UNIT = 'type: "LSTMUnit"'


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_values_and_gradient(build, gradcheck, randn):
    layer = build(UNIT, (1, 3, 2), (1, 3, 8), (1, 3), tops=2)
    assert layer.shapes == [(1, 3, 2), (1, 3, 2)]
    c_prev, gates, flags = randn(1, 3, 2), randn(1, 3, 8), torch.tensor([[0.0, 1.0, 0.5]]).double()
    tops = [top.detach().numpy() for top in layer(c_prev, gates, flags)]
    c_values, g_values = c_prev.detach().numpy(), gates.detach().numpy()
    for n in range(3):
        for d in range(2):
            i, f, o, g = (g_values[0, n, 2 * gate + d] for gate in range(4))
            c = float(flags[0, n]) * _sigmoid(f) * c_values[0, n, d] + _sigmoid(i) * np.tanh(g)
            np.testing.assert_allclose(tops[0][0, n, d], c)
            np.testing.assert_allclose(tops[1][0, n, d], _sigmoid(o) * np.tanh(c))
    gradcheck(layer, c_prev, gates, flags)


def test_flags_carry_no_gradient(build, randn):
    flags = randn(1, 3)
    c, h = build(UNIT, (1, 3, 2), (1, 3, 8), (1, 3), tops=2)(randn(1, 3, 2), randn(1, 3, 8), flags)
    (c + h).sum().backward()
    assert flags.grad is None


def test_another_batch_size(build, randn):
    layer = build(UNIT, (1, 3, 2), (1, 3, 8), (1, 3), tops=2)
    assert layer(randn(1, 5, 2), randn(1, 5, 8), randn(1, 5))[1].shape == (1, 5, 2)


@pytest.mark.parametrize(
    ("message", "marked", "shapes"),
    [
        (r"on b0 3x2, b1 1x3x8, b2 1x3: c_prev must be 1xNxH", '"b0"', [(3, 2), (1, 3, 8), (1, 3)]),
        ("c_prev must be 1xNxH", '"b0"', [(2, 3, 2), (2, 3, 8), (2, 3)]),
        ("4 numbers for each of c_prev's", '"b1"', [(1, 3, 2), (1, 3, 6), (1, 3)]),
        ("one flag for each item", '"b2"', [(1, 3, 2), (1, 3, 8), (3,)]),
    ],
)
def test_shapes(rejects, message, marked, shapes):
    rejects(message, marked, UNIT, *shapes, tops=2, error=ShapeError)


def test_two_tops(rejects):
    rejects("takes 2 tops, not 1", "layer", UNIT, (1, 3, 2), (1, 3, 8), (1, 3))
