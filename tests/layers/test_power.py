import numpy as np
import pytest
import torch


@pytest.mark.parametrize(
    ("power", "scale", "shift"), [(1, 1, 0), (1, 2, -3), (2, 0.5, 1), (3, 1, 0.25), (0, 2, 1), (0.5, 0.25, 4)]
)
def test_values_and_gradient(build, gradcheck, randn, power, scale, shift):
    param = f"power: {power} scale: {scale} shift: {shift}"
    layer, x = build(f'type: "Power" power_param {{ {param} }}', (2, 3)), randn(2, 3)
    np.testing.assert_allclose(layer(x).detach(), (shift + scale * x.detach().numpy()) ** power)
    gradcheck(layer, x)


def test_scale_zero_gives_a_constant(build):
    layer = build('type: "Power" power_param { scale: 0 shift: 3 power: 2 }', (2,))
    assert layer(torch.randn(2)).tolist() == [9, 9]
