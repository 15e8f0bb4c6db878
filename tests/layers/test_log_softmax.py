import numpy as np
import pytest


@pytest.mark.parametrize(("param", "axis"), [("", 1), ("softmax_param { axis: -1 }", 2)])
def test_values_and_gradient(build, gradcheck, randn, param, axis):
    layer, x = build(f'type: "LogSoftmax" {param}', (2, 3, 4)), randn(2, 3, 4)
    values = x.detach().numpy()
    expected = values - np.log(np.exp(values).sum(axis, keepdims=True))
    np.testing.assert_allclose(layer(x).detach(), expected, atol=1e-12)
    gradcheck(layer, x)


def test_large_values_stay_finite(build, randn):
    assert build('type: "LogSoftmax"', (2, 3))(1e4 * randn(2, 3)).isfinite().all()


def test_axis(rejects):
    rejects("no axis 3", "3", 'type: "LogSoftmax" softmax_param { axis: 3 }', (2, 3))
