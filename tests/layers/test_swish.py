import numpy as np
import pytest


@pytest.mark.parametrize(
    ("param", "beta"), [("", 1), ("beta: 1.5", 1.5), ("beta: 0", 0), ("beta: -0.5", -0.5)]
)
def test_values_and_gradient(build, gradcheck, randn, param, beta):
    layer, x = build(f'type: "Swish" swish_param {{ {param} }}', (2, 3)), randn(2, 3)
    values = x.detach().numpy()
    np.testing.assert_allclose(layer(x).detach(), values / (1 + np.exp(-beta * values)))
    gradcheck(layer, x)
