"""`Blob`: arrays that hold between calls, shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import netspec.pycaffe as caffe
from netspec.pycaffe.blob import BlobVec, IntVec
from netspec.pycaffe.memory import Memory

CPU = torch.device("cpu")


@pytest.fixture
def blob(memory):
    return caffe.Blob((2, 3), Memory(CPU), Memory(CPU))


@pytest.fixture
def net(make, nets, rng, memory):
    net = make("force_backward: true " + nets.deployed)
    net.blobs["data"].data[...] = rng.normal(size=(4, 2, 6, 5))
    return net


# Arrays ---------------------------------------------------------------------------------------------------


def test_the_arrays_are_float32_zeros_at_first(blob):
    for array in (blob.data, blob.diff):
        assert (array.dtype, array.shape, array.any()) == (np.float32, (2, 3), False)
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_what_is_written_stays(blob):
    blob.data[1] = 7
    blob.diff[...] = [[1, 2, 3], [4, 5, 6]]
    assert blob.data.tolist() == [[0, 0, 0], [7, 7, 7]]
    assert blob.diff.sum() == 21
    with pytest.raises(ValueError, match="broadcast"):
        blob.data[...] = np.zeros((3, 2))


def test_the_arrays_themselves_cannot_be_replaced(blob):
    for side in ("data", "diff", "shape", "count"):
        with pytest.raises(AttributeError):
            setattr(blob, side, 1)


def test_an_array_that_is_kept_shows_each_pass(net, rng):
    held = {name: blob.data for name, blob in net.blobs.items()}
    part = net.blobs["conv"].data[1:, 2]  # a view of an array that nobody keeps
    for _ in range(3):
        held["data"][...] = rng.normal(size=held["data"].shape)
        out = net.forward()
        fresh = net.forward()
        np.testing.assert_array_equal(out["prob"], fresh["prob"])
        for name, array in held.items():
            np.testing.assert_array_equal(array, net.blobs[name].data)
        np.testing.assert_array_equal(part, net.blobs["conv"].data[1:, 2])
        assert part.any()


def test_a_gradient_that_is_kept_shows_each_pass(net, rng):
    held = [net.blobs["data"].diff, net.params["conv"][0].diff, net.blobs["scores"].diff]
    for _ in range(2):
        net.clear_param_diffs()
        net.blobs["prob"].diff[...] = rng.normal(size=(4, 5))
        net.forward()
        net.backward()
        fresh = [net.blobs["data"].diff, net.params["conv"][0].diff, net.blobs["scores"].diff]
        for array, expected in zip(held, fresh, strict=True):
            assert expected.any()
            np.testing.assert_array_equal(array, expected)


def test_a_param_s_array_shows_what_is_loaded(net):
    net.save("w.caffemodel")
    held = net.params["conv"][0].data
    saved = held.copy()
    held[...] = 0
    net.copy_from("w.caffemodel")
    np.testing.assert_array_equal(held, saved)


@pytest.mark.parametrize("force_backward", ["", "force_backward: true "])
def test_an_array_of_a_running_statistic_shows_each_forward_pass(make, nets, rng, memory, force_backward):
    normed = '\nlayer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }'
    net = make(force_backward + nets.deployed + normed, caffe.TRAIN)
    net.blobs["data"].data[...] = rng.normal(2, size=(4, 2, 6, 5))
    mean, count = (net.params["bn"][index].data for index in (0, 2))
    net.forward()
    net.forward()
    expected = net.blobs["data"].data.mean((0, 2, 3)) * 1.999
    np.testing.assert_allclose(mean, expected, rtol=1e-5)
    np.testing.assert_allclose(count, [1.999], rtol=1e-6)
    mean[...] = 0
    net.forward()
    np.testing.assert_allclose(mean, expected / 1.999, rtol=1e-5)
    np.testing.assert_array_equal(net.params["bn"][0].data, mean)


def test_an_in_place_layer_behind_a_kept_array_computes_and_learns_alike(make, rng, memory):
    layers = """force_backward: true
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 } } }
    layer { name: "y" type: "Power" bottom: "x" top: "y" power_param { scale: 1.5 } }
    layer { name: "swish" type: "PReLU" bottom: "y" top: "y" }
    layer { name: "exp" type: "Exp" bottom: "y" top: "y" exp_param { scale: 0.5 } }
    """
    net = make(layers, caffe.TRAIN)
    x, above = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))

    def run():
        net.clear_param_diffs()
        y = net.forward(x=x)["y"].copy()
        return y, net.backward(y=above)["x"].copy(), net.params["swish"][0].diff.copy()

    plain = run()
    held = net.blobs["y"].data
    for one, other in zip(plain, run(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    np.testing.assert_array_equal(held, net.blobs["y"].data)


def test_tops_that_are_their_bottom_in_caffe_are_so_here(make, memory):
    net = make("""force_backward: true
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 2 } } }
    layer { name: "flat" type: "Flatten" bottom: "x" top: "flat" }
    layer { name: "back" type: "Reshape" bottom: "flat" top: "back"
      reshape_param { shape { dim: 3 dim: 4 } } }
    """)
    net.forward(x=np.arange(12).reshape(2, 3, 2))
    assert net.blobs["back"].data.tolist() == np.arange(12).reshape(3, 4).tolist()
    net.blobs["back"].data[0, 0] = 99
    net.blobs["back"].diff[...] = 5
    net.backward()
    assert net.blobs["x"].data[0, 0, 0] == 99
    assert (net.blobs["x"].diff == 5).all()


@pytest.mark.parametrize(
    "layer",
    [
        'type: "Slice" slice_param { axis: 1 slice_point: 1 }',
        'type: "Slice" slice_param { axis: 0 }',
    ],
)
def test_other_tops_lie_apart_from_their_bottom(make, layer, memory):
    net = make(f"""force_backward: true
    layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 }} }} }}
    layer {{ name: "cut" bottom: "x" top: "a" top: "b" {layer} }}
    """)
    net.forward(x=np.ones((2, 3)))
    net.blobs["x"].data[...] = 0
    assert net.blobs["a"].data.all()
    net.blobs["b"].data[...] = 4
    assert (net.blobs["a"].data == 1).all()
    assert not net.blobs["x"].data.any()


def test_gradients_lie_apart_from_each_other(make, memory):
    net = make("""force_backward: true
    layer { name: "x" type: "Input" top: "x" top: "y" input_param { shape { dim: 2 } } }
    layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "y" top: "sum" }
    """)
    net.forward(x=np.ones(2), y=np.ones(2))
    net.backward(sum=np.ones(2))
    net.blobs["x"].diff[...] = 5
    assert net.blobs["y"].diff.tolist() == net.blobs["sum"].diff.tolist() == [1, 1]


def test_what_nobody_looks_at_is_not_copied(net):
    net.forward()
    memory = net.blobs["scores"].data_memory
    made = memory.tensor
    array = net.blobs["scores"].data
    assert memory.is_apart or array.ctypes.data == made.data_ptr()
    del array
    net.forward()
    assert memory.tensor.data_ptr() != made.data_ptr()


# Shapes ---------------------------------------------------------------------------------------------------


def test_shape_is_a_list_of_numbers(blob):
    shape = blob.shape
    assert isinstance(shape, IntVec)
    assert (list(shape), tuple(shape), len(shape), shape[1]) == ([2, 3], (2, 3), 2, 3)
    assert shape == [2, 3]
    assert shape == (2, 3)
    assert shape != (3, 2)


def test_the_four_old_names_of_axes(memory):
    def axes(*shape):
        blob = caffe.Blob(shape, Memory(CPU), Memory(CPU))
        return blob.num, blob.channels, blob.height, blob.width, blob.count

    assert axes(2, 3, 4, 5) == (2, 3, 4, 5, 120)
    assert axes(2, 3) == (2, 3, 1, 1, 6)
    assert axes() == (1, 1, 1, 1, 1)
    with pytest.raises(ValueError, match="4 axes"):
        axes(1, 1, 1, 1, 1)


def test_reshape_keeps_what_fits(blob):
    blob.data[...] = [[1, 2, 3], [4, 5, 6]]
    blob.reshape(3, 2)
    assert blob.data.tolist() == [[1, 2], [3, 4], [5, 6]]
    blob.reshape(4)
    assert blob.data.tolist() == [1, 2, 3, 4]
    blob.reshape(6)
    assert blob.data.tolist() == [1, 2, 3, 4, 5, 6]
    blob.reshape()
    assert (blob.data.shape, blob.count) == ((), 1)


def test_reshape_to_more_starts_from_zero(blob):
    held = blob.data
    held[...] = 1
    blob.reshape(2, 4)
    assert not blob.data.any()
    blob.data[...] = 2
    assert held.tolist() == [[1, 1, 1]] * 2  # the old array is its own


def test_what_reshape_refuses(blob):
    with pytest.raises(RuntimeError, match="no keywords"):
        blob.reshape(2, axis=1)
    with pytest.raises(ValueError, match="not negative"):
        blob.reshape(2, -1)
    with pytest.raises(TypeError):
        blob.reshape((2, 3))


def test_blobs_can_be_added_to_a_list_of_blobs():
    blobs = BlobVec()
    blobs.add_blob(2, 3)
    blobs.add_blob()
    assert [blob.data.shape for blob in blobs] == [(2, 3), ()]
    with pytest.raises(RuntimeError):
        blobs.add_blob(1, name="w")
