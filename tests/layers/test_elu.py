import numpy as np
import pytest
import torch


@pytest.mark.parametrize(
    ("param", "alpha", "factor"),
    [("", 1, 1), ("alpha: 0.5", 0.5, 1), ("alpha: 1.75 lambda: 1.25", 1.75, 1.25), ("alpha: 0", 0, 1)],
)
def test_values_and_gradient(build, gradcheck, randn, param, alpha, factor):
    layer, x = build(f'type: "ELU" elu_param {{ {param} }}', (3, 4)), randn(3, 4)
    values = x.detach().numpy()
    expected = factor * np.where(values > 0, values, alpha * (np.exp(values) - 1))
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-12)
    gradcheck(layer, x)


def test_at_zero_the_gradient_is_that_from_below(build):
    x = torch.zeros(1, requires_grad=True)
    build('type: "ELU" elu_param { alpha: 0.5 lambda: 4 }', (1,))(x).sum().backward()
    assert x.grad.item() == 2
