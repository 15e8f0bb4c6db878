import numpy as np
import pytest
import torch


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_values_and_gradient(build, gradcheck, randn, slope):
    layer = build(f'type: "ReLU" relu_param {{ negative_slope: {slope} }}', (2, 3, 4))
    x = randn(2, 3, 4)
    expected = np.where(x.detach() > 0, x.detach(), np.float32(slope) * x.detach().numpy())
    np.testing.assert_allclose(layer(x).detach(), expected)
    gradcheck(layer, x)


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_at_zero_the_gradient_is_the_slope(build, slope):
    layer = build(f'type: "ReLU" relu_param {{ negative_slope: {slope} }}', (1,))
    x = torch.zeros(1, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.item() == pytest.approx(slope)
