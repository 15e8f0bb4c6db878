import numpy as np
import pytest
import torch


def _layer(param=""):
    return f'type: "SmoothL1Loss" smooth_l1_loss_param {{ {param} }}'


def _reference(a, b, sigma, inside, outside):
    total = 0.0
    for x, y, w_in, w_out in zip(a.flat, b.flat, inside.flat, outside.flat, strict=True):
        d = w_in * (x - y)
        near = abs(d) < 1 / sigma**2
        total += w_out * (0.5 * (sigma * d) ** 2 if near else abs(d) - 0.5 / sigma**2)
    return total / len(a)


@pytest.mark.parametrize(("param", "sigma"), [("", 1), ("sigma: 3", 3), ("sigma: 0.5", 0.5)])
@pytest.mark.parametrize("weights", [0, 2])
def test_values_and_gradient_to_both(build, gradcheck, randn, rng, param, sigma, weights):
    shape = (3, 2, 2, 2)
    layer = build(_layer(param), *[shape] * (2 + weights))
    a, b = randn(*shape), randn(*shape)
    factors = [rng.uniform(0, 2, shape) if weights else np.ones(shape) for _ in range(2)]
    given = [torch.tensor(factor) for factor in factors[:weights]]
    expected = _reference(a.detach().numpy(), b.detach().numpy(), sigma, *factors)
    assert layer(a, b, *given).item() == pytest.approx(expected)
    assert layer.shapes == [()]
    gradcheck(layer, a, b, *given)


def test_weights_of_fast_r_cnn_are_not_in_the_gradient(build):
    a = torch.tensor([[3.0, 0.5, 8.0]], requires_grad=True)
    b = torch.zeros(1, 3, requires_grad=True)
    weights = torch.tensor([[0.25, 0.5, 0.0]])
    loss = build(_layer(), *[(1, 3)] * 3)(a, b, weights)
    loss.backward()
    assert loss.item() == 0.5 * 0.75**2 + 0.5 * 0.25**2
    assert a.grad.tolist() == [[0.75, 0.25, 0]]
    assert b.grad.tolist() == [[-0.75, -0.25, 0]]


def test_no_gradient_to_weights(build):
    bottoms = [torch.full((1, 2), value, requires_grad=True) for value in (1.0, 3.0, 1.0, 2.0)]
    build(_layer(), *[(1, 2)] * 4)(*bottoms).backward()
    assert [bottom.grad is None for bottom in bottoms] == [False, False, True, True]


def test_ones_at_the_end_of_a_shape_do_not_count(build, gradcheck, randn):
    layer, a, b = build(_layer(), (2, 3), (2, 3, 1, 1)), randn(2, 3), randn(2, 3, 1, 1)
    assert layer(a, b).item() == pytest.approx(layer(a, b.flatten(1)).item())
    gradcheck(layer, a, b)


def test_another_batch_than_the_text_s(build):
    assert build(_layer(), (4, 3), (4, 3))(torch.ones(2, 3), torch.zeros(2, 3)).item() == 1.5


def test_refused(rejects):
    rejects("all bottoms must have the same shape", '"b2"', _layer(), (2, 3), (2, 3), (2, 1), (2, 3))
    rejects("sigma must be above 0, not 0", "0", _layer("sigma: 0"), (2, 3), (2, 3))
    rejects("takes 2 to 4 bottoms, not 1", "layer", _layer(), (2, 3))
