import numpy as np
import pytest

from netspec.errors import ShapeError


def _layer(param):
    return f'type: "Im2col" convolution_param {{ {param} }}'


def _reference(x, kernel, stride, pad, dilation):
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    axes = range(len(kernel))
    sizes = [(x.shape[2 + a] - dilation[a] * (kernel[a] - 1) - 1) // stride[a] + 1 for a in axes]
    columns = []
    for c in range(x.shape[1]):
        for tap in np.ndindex(*kernel):
            column = np.empty((len(x), *sizes))
            for place in np.ndindex(*sizes):
                at = tuple(place[a] * stride[a] + tap[a] * dilation[a] for a in axes)
                column[(slice(None), *place)] = x[(slice(None), c, *at)]
            columns.append(column)
    return np.stack(columns, 1)


@pytest.mark.parametrize(
    ("param", "sizes", "kernel", "stride", "pad", "dilation"),
    [
        ("kernel_size: 3 stride: 2 pad: 1", (5, 6), (3, 3), (2, 2), (1, 1), (1, 1)),
        ("kernel_h: 1 kernel_w: 2 dilation: 2", (5, 6), (1, 2), (1, 1), (0, 0), (2, 2)),
        ("kernel_size: 3 pad_h: 2 dilation: 2 dilation: 1", (3, 4), (3, 3), (1, 1), (2, 0), (2, 1)),
        ("kernel_size: 2 stride: 3 pad: 1", (7,), (2,), (3,), (1,), (1,)),
        ("kernel_size: 2 stride: 2 pad: 1", (2, 3, 4), (2, 2, 2), (2, 2, 2), (1, 1, 1), (1, 1, 1)),
    ],
)
def test_values_and_gradient(build, gradcheck, randn, param, sizes, kernel, stride, pad, dilation):
    layer, x = build(_layer(param), (2, 2, *sizes)), randn(2, 2, *sizes)
    expected = _reference(x.detach().numpy(), kernel, stride, pad, dilation)
    np.testing.assert_array_equal(layer(x).detach(), expected)
    gradcheck(layer, x)
    assert layer.shapes == [expected.shape]


def test_channels_on_another_axis(build, randn):
    layer, x = build(_layer("kernel_size: 2 axis: -3"), (2, 3, 2, 4, 4)), randn(2, 3, 2, 4, 4)
    expected = [_reference(item, (2, 2), (1, 1), (0, 0), (1, 1)) for item in x.detach().numpy()]
    np.testing.assert_array_equal(layer(x).detach(), np.stack(expected))


def test_kernel_is_larger_than_the_bottom(rejects):
    message = "kernel 5x5 is larger than the padded bottom, 4x6"
    rejects(message, "3", _layer("kernel_size: 3 dilation: 2"), (1, 1, 4, 6), error=ShapeError)
