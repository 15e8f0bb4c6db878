import numpy as np


def test_values_and_gradient(build, gradcheck, randn):
    layer, x = build('type: "Sigmoid"', (2, 3)), randn(2, 3)
    np.testing.assert_allclose(layer(x).detach(), 1 / (1 + np.exp(-x.detach().numpy())), rtol=1e-12)
    gradcheck(layer, x)
