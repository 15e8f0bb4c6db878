from itertools import product

import numpy as np
import pytest
import torch

from netspec.errors import ShapeError

_FILL = 'weight_filler { type: "gaussian" } bias_filler { type: "gaussian" }'


def _layer(param):
    return f'type: "Convolution" convolution_param {{ {param} }}'


def _reference(x, weight, stride, pad, dilation, group):
    """x (N, C, *sizes), weight (O, C / group, *kernel); every sum written out."""
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    kernel = weight.shape[2:]
    sizes = [
        (size - d * (k - 1) - 1) // s + 1
        for size, d, k, s in zip(x.shape[2:], dilation, kernel, stride, strict=True)
    ]
    y = np.zeros((len(x), len(weight), *sizes))
    outputs, inputs = len(weight) // group, weight.shape[1]
    for o, place in product(range(len(weight)), np.ndindex(*sizes)):
        channels = x[:, o // outputs * inputs : (o // outputs + 1) * inputs]
        for tap in np.ndindex(*kernel):
            at = tuple(p * s + t * d for p, s, t, d in zip(place, stride, tap, dilation, strict=True))
            y[(slice(None), o, *place)] += channels[(..., *at)] @ weight[(o, slice(None), *tap)]
    return y


@pytest.mark.parametrize(
    ("param", "stride", "pad", "dilation", "group"),
    [
        ("kernel_size: 3", (1, 1), (0, 0), (1, 1), 1),
        ("kernel_size: 2 kernel_size: 3 stride: 2 pad: 1", (2, 2), (1, 1), (1, 1), 1),
        ("kernel_h: 3 kernel_w: 1 stride_h: 2 stride_w: 1 pad_w: 2", (2, 1), (0, 2), (1, 1), 1),
        ("kernel_size: 2 stride: 1 stride: 2 dilation: 2 dilation: 1", (1, 2), (0, 0), (2, 1), 1),
        ("kernel_size: 3 group: 2 pad: 0 pad: 1", (1, 1), (0, 1), (1, 1), 2),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradient(build, gradcheck, randn, param, stride, pad, dilation, group, bias):
    text = _layer(f"num_output: 4 bias_term: {str(bias).lower()} {param} {_FILL}")
    layer, x = build(text, (2, 2, 6, 5)), randn(2, 2, 6, 5)
    gradcheck(layer, x)
    weight, *biases = (blob.detach().numpy() for blob in layer.blobs)
    expected = _reference(x.detach().numpy(), weight, stride, pad, dilation, group)
    if bias:
        expected += biases[0][:, None, None]
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-9, atol=1e-12)
    assert layer.shapes == [expected.shape]
    assert len(layer.blobs) == 1 + bias


@pytest.mark.parametrize("sizes", [(7,), (4, 3, 5)])
def test_one_and_three_spatial_axes(build, gradcheck, randn, sizes):
    layer = build(_layer(f"num_output: 3 kernel_size: 2 stride: 2 pad: 1 {_FILL}"), (2, 2, *sizes))
    x = randn(2, 2, *sizes)
    gradcheck(layer, x)
    twos, ones = (2,) * len(sizes), (1,) * len(sizes)
    expected = _reference(x.detach().numpy(), layer.weight.detach().numpy(), twos, ones, ones, 1)
    expected += layer.bias.detach().numpy().reshape(-1, *ones)
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-9, atol=1e-12)


def test_axes_before_the_channels_are_the_batch(build, gradcheck, randn):
    layer, x = (
        build(_layer(f"num_output: 3 kernel_size: 2 axis: 2 {_FILL}"), (2, 3, 2, 4, 4)),
        randn(2, 3, 2, 4, 4),
    )
    gradcheck(layer, x)
    expected = torch.stack([torch.nn.functional.conv2d(item, layer.weight, layer.bias) for item in x])
    torch.testing.assert_close(layer(x), expected)


def test_channels_first_of_all(build):
    layer = build(_layer(f"num_output: 3 kernel_size: 2 axis: 0 {_FILL}"), (2, 4, 4))
    assert layer.shapes == [(3, 3, 3)]
    x = torch.randn(2, 4, 4)
    torch.testing.assert_close(layer(x), torch.nn.functional.conv2d(x, layer.weight, layer.bias))


def test_several_bottoms_share_the_blobs(build, gradcheck, randn):
    layer = build(_layer(f"num_output: 2 kernel_size: 2 {_FILL}"), *[(1, 2, 3, 3)] * 2, tops=2)
    a, b = randn(1, 2, 3, 3), randn(1, 2, 3, 3)
    gradcheck(layer, a, b)
    assert torch.equal(layer(a, b)[1], layer(b, a)[0])
    assert len(layer.blobs) == 2


def test_another_batch_and_size_than_the_text_s(build):
    layer = build(_layer("num_output: 3 kernel_size: 3"), (2, 1, 8, 8))
    assert layer(torch.ones(5, 1, 9, 10)).shape == (5, 3, 7, 8)


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("kernel_size is missing", "convolution_param", "num_output: 2"),
        ("kernel_size must be at least 1", "0", "num_output: 2 kernel_size: 0"),
        ("stride must be at least 1", "0", "num_output: 2 kernel_size: 1 stride: 0"),
        (
            "stride must be at least 1, found 0",
            "convolution_param",
            "num_output: 2 kernel_size: 1 stride_w: 0",
        ),
        ("dilation must be at least 1", "0", "num_output: 2 kernel_size: 1 dilation: 0"),
        ("num_output must be at least 1", "convolution_param", "kernel_size: 1"),
        ("num_output must be at least 1", "0", "num_output: 0 kernel_size: 1"),
        (
            "takes kernel_size or kernel_h and kernel_w, not both",
            "3",
            "num_output: 2 kernel_size: 2 kernel_h: 3",
        ),
        ("takes pad or pad_h and pad_w, not both", "5", "num_output: 2 kernel_size: 2 pad: 1 pad_w: 5"),
        ("kernel_h and kernel_w go together", "3", "num_output: 2 kernel_w: 3"),
        ("expected one stride, or 2 .* found 3", "1", "num_output: 2 kernel_size: 1 " + "stride: 1 " * 3),
        ("group 3 does not divide num_output 4", "3", "num_output: 4 kernel_size: 1 group: 3"),
        ("group 0 does not divide", "0", "num_output: 4 kernel_size: 1 group: 0"),
        ("group 3 does not divide 4 channels", "3", "num_output: 6 kernel_size: 1 group: 3"),
        ("kernel 7x7 is larger than the padded bottom, 6x5", "7", "num_output: 1 kernel_size: 7"),
        ("kernel 7x7 is larger", "3", "num_output: 1 kernel_size: 3 dilation: 3"),
        ("1 to 3 spatial axes behind axis 3, found 0", "3", "num_output: 1 kernel_size: 3 axis: 3"),
    ],
)
def test_refused(rejects, message, marked, param):
    rejects(message, marked, _layer(param), (2, 4, 6, 5))


def test_kernel_h_needs_two_spatial_axes(rejects):
    rejects("on two spatial axes", "3", _layer("num_output: 2 kernel_h: 3 kernel_w: 3"), (2, 4, 6))


def test_bottoms_of_different_shapes(rejects):
    text = _layer("num_output: 2 kernel_size: 1")
    rejects("the same shape", '"b1"', text, (1, 2, 3, 3), (1, 2, 3, 4), tops=2, error=ShapeError)


def test_as_many_tops_as_bottoms(rejects):
    text = _layer("num_output: 2 kernel_size: 1")
    rejects("takes 1 top, not 2", '"t1"', text, (1, 2, 3, 3), tops=2)
