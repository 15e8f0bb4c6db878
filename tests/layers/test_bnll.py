import numpy as np
import torch


def test_values_and_gradient(build, gradcheck, randn):
    layer, x = build('type: "BNLL"', (2, 3)), randn(2, 3)
    np.testing.assert_allclose(layer(x).detach(), np.log1p(np.exp(x.detach().numpy())))
    gradcheck(layer, x)


def test_large_values_do_not_overflow(build):
    x = torch.tensor([-200.0, -30, 30, 200], requires_grad=True)
    y = build('type: "BNLL"', (4,))(x)
    np.testing.assert_allclose(y.detach(), [0, np.exp(-30), 30, 200], rtol=1e-6)
    y.sum().backward()
    np.testing.assert_allclose(x.grad, [0, np.exp(-30), 1, 1], rtol=1e-6)
