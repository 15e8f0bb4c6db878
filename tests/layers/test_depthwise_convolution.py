import numpy as np
import pytest

from netspec.errors import ShapeError

_FILL = 'weight_filler { type: "gaussian" } bias_filler { type: "gaussian" }'
_TYPES = ["ConvolutionDepthwise", "DepthwiseConvolution"]


def _layer(type, param):
    return f'type: "{type}" convolution_param {{ {param} {_FILL} }}'


@pytest.mark.parametrize("type", _TYPES)
@pytest.mark.parametrize("given", ["", "num_output: 3", "num_output: 3 group: 3"])
def test_values_and_gradient(build, gradcheck, randn, type, given):
    layer = build(_layer(type, f"{given} kernel_size: 3 stride: 2 pad: 1"), (2, 3, 5, 4))
    x = randn(2, 3, 5, 4)
    gradcheck(layer, x)
    weight, bias = (blob.detach().numpy() for blob in layer.blobs)
    assert weight.shape == (3, 1, 3, 3)
    padded = np.pad(x.detach().numpy(), [(0, 0), (0, 0), (1, 1), (1, 1)])
    expected = np.zeros((2, 3, 3, 2))
    for n, c, i, j in np.ndindex(*expected.shape):
        window = padded[n, c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        expected[n, c, i, j] = (window * weight[c, 0]).sum() + bias[c]
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-9, atol=1e-12)
    assert layer.shapes == [expected.shape]


@pytest.mark.parametrize("type", _TYPES)
@pytest.mark.parametrize("field", ["num_output", "group"])
def test_another_number_of_channels(rejects, type, field):
    message = f"{field} is the number of channels, 3, not 6"
    rejects(message, "6", _layer(type, f"kernel_size: 1 {field}: 6"), (2, 3, 4, 4), error=ShapeError)


def test_kernel_is_required_still(rejects):
    rejects("kernel_size is missing", "convolution_param", _layer(_TYPES[0], ""), (2, 3, 4, 4))
