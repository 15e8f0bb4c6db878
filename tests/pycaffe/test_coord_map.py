# ruff: noqa: C408  (nets are written here as scripts write them)
import numpy as np
import pytest

from netspec.pycaffe import coord_map
from netspec.pycaffe.coord_map import (
    AxisMismatchException,
    UndefinedMapException,
    compose,
    conv_params,
    coord_map_from_to,
    crop,
    crop_params,
    inverse,
)
from netspec.pycaffe.net_spec import NetSpec
from netspec.pycaffe.net_spec import layers as L
from netspec.pycaffe.net_spec import params as P


def net(ks=3, stride=1, pad=0, pool=2, up=2, up_pad=0):
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 1, 100, 100]))
    n.aux = L.Input(shape=dict(dim=[2, 1, 20, 20]))
    n.conv = L.Convolution(n.data, num_output=10, kernel_size=ks, stride=stride, pad=pad)
    n.pool = L.Pooling(n.conv, pool=P.Pooling.MAX, kernel_size=pool, stride=pool)
    n.up = L.Deconvolution(n.pool, num_output=10, kernel_size=2 * up, stride=up, pad=up_pad)
    return n


def test_convolution_pooling_and_deconvolution():
    n = net()
    assert coord_map_from_to(n.up, n.data) == (1, 1, 0)
    n = net(pool=4, up=4)
    assert coord_map_from_to(n.up, n.data) == (1, 1, -1)
    # Pixel 0 of a 5x5 convolution of stride 2 without padding lies on pixel 2.
    n = net(ks=5, stride=2)
    assert coord_map_from_to(n.conv, n.data) == (1, 2, 2)
    assert coord_map_from_to(n.data, n.conv) == (1, 0.5, -1)


def test_a_layer_that_computes_point_by_point():
    n = net(pool=4, up=4)
    n.relu = L.ReLU(n.up)
    n.one = L.Convolution(n.relu, num_output=10, kernel_size=1)
    expected = coord_map_from_to(n.up, n.data)
    assert coord_map_from_to(n.relu, n.data) == expected == coord_map_from_to(n.one, n.data)
    assert coord_map_from_to(n.relu, n.up) == (None, 1, 0)
    assert {"ReLU", "BatchNorm", "Eltwise", "Dropout"} <= set(coord_map.PASS_THROUGH_LAYERS)


@pytest.mark.parametrize("pad", [0, 1, 7])
def test_padding(pad):
    for n, shift in [(net(pad=pad), -pad), (net(up_pad=pad), pad), (net(pad=pad, up_pad=pad), 0)]:
        assert coord_map_from_to(n.up, n.data) == (1, 1, shift)


def test_dilation():
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 1, 9, 9]))
    n.conv = L.Convolution(n.data, num_output=1, kernel_size=3, dilation=2)
    assert coord_map_from_to(n.conv, n.data) == (1, 1, 2)


def test_each_spatial_axis_has_its_own_map():
    both, one, other = net(ks=[3, 5], stride=[1, 2], pad=[0, 10]), net(), net(ks=5, stride=2, pad=10)
    axis, scale, shift = coord_map_from_to(both.up, both.data)
    assert axis == 1
    for index, n in enumerate((one, other)):
        assert coord_map_from_to(n.up, n.data) == (1, scale[index], shift[index])


def test_three_axes():
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 3, 100, 100, 100]))
    n.conv = L.Convolution(n.data, num_output=1, kernel_size=[3, 3, 3], pad=[0, 1, 2])
    n.pool = L.Pooling(n.conv, kernel_size=2, stride=2)
    n.up = L.Deconvolution(n.pool, num_output=1, kernel_size=4, stride=2)
    axis, scale, shift = coord_map_from_to(n.up, n.data)
    assert (axis, scale.tolist(), shift.tolist()) == (1, [1], [0, -1, -2])


def test_several_bottoms_are_mapped_alike():
    n = net()
    n.a, n.b = L.Convolution(n.data, n.aux, ntop=2, num_output=10, kernel_size=5, stride=2)
    assert coord_map_from_to(n.a, n.data) == coord_map_from_to(n.b, n.aux) == (1, 2, 2)


def test_a_map_through_a_crop():
    n = net()
    n.crop = L.Crop(n.up, n.aux, axis=2, offset=3)
    assert coord_map_from_to(n.crop, n.data) == (1, 1, 3)
    n.again = L.Crop(n.crop, n.aux, offset=[2, 4])
    axis, scale, shift = coord_map_from_to(n.again, n.data)
    assert (axis, scale.tolist(), shift.tolist()) == (1, [1], [5, 7])
    n.wide = L.Crop(n.up, n.aux, axis=3, offset=3)
    with pytest.raises(AxisMismatchException, match="axis 2 meets one of axis 1"):
        coord_map_from_to(n.wide, n.data)
    with pytest.raises(RuntimeError, match="no blob in common"):
        coord_map_from_to(n.crop, n.aux)


def test_a_crop_puts_pixels_where_they_belong(compile_text):
    """Two ways from an image with a single bright pixel to blobs of the same scale: where both see it as the
    centre of a symmetric spot, the crop puts one on the other."""
    one = dict(type="constant", value=1)
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 1, 20, 20]))
    n.padded = L.Convolution(n.data, num_output=1, kernel_size=1, pad=10, weight_filler=one)
    n.pooled = L.Pooling(n.padded, kernel_size=4, stride=4, pool=P.Pooling.AVE)
    up = dict(num_output=1, kernel_size=4, stride=4, weight_filler=one)
    n.up = L.Deconvolution(n.pooled, convolution_param=up)
    n.side = L.Convolution(n.data, num_output=1, kernel_size=3, weight_filler=one)
    assert coord_map_from_to(n.up, n.side) == (1, 1, -11)
    n.crop = crop(n.up, n.side)
    layer = n.to_proto().layer[-1]
    assert (layer.type, list(layer.bottom)) == ("Crop", ["up", "side"])
    assert (layer.crop_param.axis, list(layer.crop_param.offset)) == (2, [11])
    net = compile_text(str(n.to_proto()))
    image = np.zeros((1, 1, 20, 20), np.float32)
    image[:, :, 6:10, 10:14] = 1  # just what one window of the pooling sees
    out = net(data=image)["crop"]
    assert out.shape == (1, 1, 18, 18)
    # Pixel (y, x) of the convolution without padding is centred on pixel (y + 1, x + 1) of the image.
    np.testing.assert_array_equal(out[0, 0].detach(), image[0, 0, 1:-1, 1:-1])


def test_crop():
    n = net(pool=4, up=4)
    top = crop(n.up, n.data)
    assert top.fn.params == dict(crop_param=dict(axis=2, offset=[1]))
    assert top.fn.inputs == (n.up, n.data)
    n.relu = L.ReLU(n.data)
    assert crop(n.relu, n.data).fn.params == dict(crop_param=dict(offset=[0]))


def test_what_cannot_be_cropped():
    n = net(pool=3)
    with pytest.raises(AssertionError, match="another scale"):
        crop(n.up, n.data)
    n = net(up_pad=10)
    with pytest.raises(AssertionError, match="negative width"):
        crop(n.up, n.data)
    n = net(ks=2, pad=1)
    with pytest.raises(AssertionError, match="part of a pixel"):
        crop(n.up, n.data)


def test_what_is_not_connected():
    n = net()
    n.ip = L.InnerProduct(n.up, num_output=10)
    with pytest.raises(RuntimeError, match="no blob in common"):
        coord_map_from_to(n.ip, n.data)
    with pytest.raises(UndefinedMapException, match="InnerProduct"):
        coord_map.coord_map(n.ip.fn)


def test_parameters_of_layers():
    n = net(ks=[3, 5], stride=2, pad=1)
    axis, stride, size, pad = conv_params(n.conv.fn)
    assert (axis, stride.tolist(), size.tolist(), pad.tolist()) == (1, [2], [3, 5], [1])
    nested = L.Deconvolution(n.data, convolution_param=dict(kernel_size=4, dilation=3, axis=2))
    axis, stride, size, pad = conv_params(nested.fn)
    assert (axis, stride.tolist(), size.tolist(), pad.tolist()) == (2, [1], [10], [0])
    with pytest.raises(AssertionError, match="kernel_h, kernel_w"):
        conv_params(L.Convolution(n.data, kernel_h=1, kernel_w=2).fn)
    with pytest.raises(KeyError, match="kernel_size"):
        conv_params(L.Pooling(n.data, global_pooling=True).fn)
    assert crop_params(L.Crop(n.up, n.data).fn) == (2, [0])
    axis, offset = crop_params(L.Crop(n.up, n.data, crop_param=dict(axis=1, offset=[2, 3])).fn)
    assert (axis, offset.tolist()) == (1, [2, 3])


def test_maps_compose_and_invert():
    first, second = (None, 2, 3), (1, np.array([4.0]), np.array([5.0]))
    axis, scale, shift = compose(second, first)
    assert (axis, scale.tolist(), shift.tolist()) == (1, [8], [17])
    axis, scale, shift = compose(first, second)
    assert (axis, scale.tolist(), shift.tolist()) == (1, [8], [13])
    back = inverse(second)
    assert compose(second, back) == (1, 1, 0) == compose(back, second)
    with pytest.raises(AxisMismatchException):
        compose(second, (2, 1, 0))
