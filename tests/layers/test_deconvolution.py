from itertools import product

import numpy as np
import pytest

from netspec.errors import ShapeError

_FILL = 'weight_filler { type: "gaussian" } bias_filler { type: "gaussian" }'


def _layer(param):
    return f'type: "Deconvolution" convolution_param {{ {param} {_FILL} }}'


def _reference(x, weight, stride, pad, dilation, group):
    """x (N, C, *sizes), weight (C, O / group, *kernel): each element of x adds its weighted kernel."""
    kernel, spatial = weight.shape[2:], range(x.ndim - 2)
    sizes = [stride[a] * (x.shape[2 + a] - 1) + dilation[a] * (kernel[a] - 1) + 1 for a in spatial]
    inputs, outputs = len(weight) // group, weight.shape[1]
    y = np.zeros((len(x), outputs * group, *sizes))
    for c, place, tap in product(range(len(weight)), np.ndindex(*x.shape[2:]), np.ndindex(*kernel)):
        at = tuple(place[a] * stride[a] + tap[a] * dilation[a] for a in spatial)
        first = c // inputs * outputs
        added = np.outer(x[(slice(None), c, *place)], weight[(c, slice(None), *tap)])
        y[(slice(None), slice(first, first + outputs), *at)] += added
    return y[(..., *(slice(pad[a], sizes[a] - pad[a]) for a in spatial))]


@pytest.mark.parametrize(
    ("param", "shape", "stride", "pad", "dilation", "group"),
    [
        ("kernel_size: 4 stride: 2 pad: 1", (2, 2, 3, 4), (2, 2), (1, 1), (1, 1), 1),
        ("kernel_size: 3 group: 2", (2, 2, 3, 4), (1, 1), (0, 0), (1, 1), 2),
        ("kernel_size: 2 kernel_size: 3 dilation: 2 pad_w: 2", (2, 2, 3, 4), (1, 1), (0, 2), (2, 2), 1),
        ("kernel_size: 3 stride: 4", (2, 2, 5), (4,), (0,), (1,), 1),  # gaps between the windows
        ("kernel_size: 2 stride: 2 pad: 1", (1, 2, 2, 3, 2), (2, 2, 2), (1, 1, 1), (1, 1, 1), 1),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradient(build, gradcheck, randn, param, shape, stride, pad, dilation, group, bias):
    layer = build(_layer(f"num_output: 4 bias_term: {str(bias).lower()} {param}"), shape)
    x = randn(*shape)
    gradcheck(layer, x)
    weight, *biases = (blob.detach().numpy() for blob in layer.blobs)
    assert weight.shape[:2] == (2, 4 // group)
    expected = _reference(x.detach().numpy(), weight, stride, pad, dilation, group)
    if bias:
        expected += biases[0].reshape(-1, *(1,) * (len(shape) - 2))
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-9, atol=1e-12)
    assert layer.shapes == [expected.shape]


def test_bilinear_filler_zooms(build):
    param = 'num_output: 1 kernel_size: 4 stride: 2 pad: 1 weight_filler { type: "bilinear" }'
    layer = build(f'type: "Deconvolution" convolution_param {{ {param} }}', (1, 1, 3, 3))
    x = layer.weight.new_tensor([[[[0, 1, 2]] * 3]])
    assert layer(x)[0, 0, 2, 1:5].tolist() == [0.25, 0.75, 1.25, 1.75]


def test_several_bottoms_share_the_blobs(build, randn):
    layer = build(_layer("num_output: 3 kernel_size: 2"), (1, 2, 3, 3), (1, 2, 3, 3), tops=2).double()
    x, z = randn(1, 2, 3, 3), randn(1, 2, 3, 3)
    np.testing.assert_array_equal(layer(x, z)[1].detach(), layer(z, x)[0].detach())


def test_too_much_padding(rejects):
    text = _layer("num_output: 1 kernel_size: 3 pad: 2")
    rejects("pad leaves nothing of the top: its spatial shape would be 0x1", "2", text, (1, 1, 2, 3))


def test_group_does_not_divide(rejects):
    text = _layer("num_output: 4 kernel_size: 3 group: 2")
    rejects("group 2 does not divide 3 channels", "2", text, (1, 3, 4, 4), error=ShapeError)
