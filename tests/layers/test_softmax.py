import numpy as np
import pytest


@pytest.mark.parametrize(("param", "axis"), [("", 1), ("axis: 2", 2), ("axis: -3", 0)])
def test_values_and_gradient(build, gradcheck, randn, param, axis):
    layer, x = build(f'type: "Softmax" softmax_param {{ {param} }}', (2, 3, 4)), randn(2, 3, 4)
    exp = np.exp(x.detach().numpy())
    np.testing.assert_allclose(layer(x).detach(), exp / exp.sum(axis, keepdims=True), rtol=1e-12)
    gradcheck(layer, x)


def test_no_such_axis(rejects):
    rejects("axis 3 of a blob with 2 axes", "3", 'type: "Softmax" softmax_param { axis: 3 }', (2, 3))
