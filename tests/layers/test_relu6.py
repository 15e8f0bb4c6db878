import numpy as np
import pytest
import torch


@pytest.mark.parametrize("slope", [0, 0.25])
def test_values_and_gradient(build, gradcheck, randn, slope):
    layer = build(f'type: "ReLU6" relu_param {{ negative_slope: {slope} }}', (5, 6))
    x = (randn(5, 6).detach() * 6).requires_grad_()
    values = x.detach().numpy()
    assert values.max() > 6
    expected = np.minimum(np.maximum(values, 0), 6) + slope * np.minimum(values, 0)
    np.testing.assert_allclose(layer(x).detach(), expected)
    gradcheck(layer, x)


@pytest.mark.parametrize("slope", [0, 0.25])
def test_the_gradient_ends_at_six(build, slope):
    x = torch.tensor([-1.0, 0, 3, 6, 7], requires_grad=True)
    build(f'type: "ReLU6" relu_param {{ negative_slope: {slope} }}', (5,))(x).sum().backward()
    assert x.grad.tolist() == [slope, slope, 1, 0, 0]
