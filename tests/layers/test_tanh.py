import numpy as np


def test_values_and_gradient(build, gradcheck, randn):
    layer, x = build('type: "TanH"', (2, 3)), randn(2, 3)
    up, down = np.exp(x.detach().numpy()), np.exp(-x.detach().numpy())
    np.testing.assert_allclose(layer(x).detach(), (up - down) / (up + down), rtol=1e-12)
    gradcheck(layer, x)
