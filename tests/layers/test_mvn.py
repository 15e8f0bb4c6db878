import numpy as np
import pytest
import torch


def _reference(x, across, normalize, eps):
    y = np.empty_like(x)
    for index in np.ndindex(x.shape[: 1 if across else 2]):
        values = x[index]
        mean = sum(values.flat) / values.size
        variance = sum((v - mean) ** 2 for v in values.flat) / values.size
        y[index] = (values - mean) / ((np.sqrt(variance) + eps) if normalize else 1)
    return y


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4)])
def test_values_and_gradient(build, gradcheck, randn, across, normalize, shape):
    param = f"across_channels: {across} normalize_variance: {normalize}".lower()
    layer, x = build(f'type: "MVN" mvn_param {{ {param} }}', shape), randn(*shape)
    expected = _reference(x.detach().numpy(), across, normalize, 1e-9)
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-9, atol=1e-12)
    gradcheck(layer, x)
    assert layer.shapes == [shape]


def test_eps_is_added_to_the_deviation(build, randn):
    layer, x = build('type: "MVN" mvn_param { eps: 0.5 }', (2, 2, 3, 3)), randn(2, 2, 3, 3)
    np.testing.assert_allclose(layer(x).detach(), _reference(x.detach().numpy(), False, True, 0.5), rtol=1e-6)


def test_eps_belongs_to_the_deviation_in_the_gradient(build, randn):
    layer, x, grad = build('type: "MVN" mvn_param { eps: 0.5 }', (1, 1, 4)), randn(1, 1, 4), randn(1, 1, 4)
    y = layer(x)
    y.backward(grad)
    spread = np.std(x.detach().numpy()) + 0.5
    y, grad = y.detach().numpy(), grad.detach().numpy()
    expected = (grad - grad.mean() - y * (grad * y).mean()) / spread
    np.testing.assert_allclose(x.grad, expected, rtol=1e-6)


def test_a_constant_plane_becomes_zeros_with_a_finite_gradient(build):
    layer, x = build('type: "MVN"', (1, 1, 2, 2)), torch.full((1, 1, 2, 2), 3.0, requires_grad=True)
    y = layer(x)
    y[0, 0, 0, 0].backward()
    assert y.tolist() == [[[[0, 0], [0, 0]]]]
    np.testing.assert_allclose(x.grad.flatten(), np.array([0.75, -0.25, -0.25, -0.25]) * 1e9, rtol=1e-6)


def test_without_places_each_element_is_its_own_mean(build):
    layer = build('type: "MVN"', (2, 3))
    assert layer(torch.randn(2, 3)).tolist() == [[0, 0, 0]] * 2
