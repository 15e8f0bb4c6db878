import numpy as np
import torch


def test_values_and_gradient(build, gradcheck, randn):
    layer, x = build('type: "AbsVal"', (2, 3)), randn(2, 3)
    np.testing.assert_allclose(layer(x).detach(), np.abs(x.detach().numpy()))
    gradcheck(layer, x)


def test_at_zero_there_is_no_gradient(build):
    x = torch.tensor([-2.0, 0, 3], requires_grad=True)
    build('type: "AbsVal"', (3,))(x).sum().backward()
    assert x.grad.tolist() == [-1, 0, 1]
