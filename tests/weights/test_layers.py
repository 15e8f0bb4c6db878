import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.weights.layers import LayerBlobs, as_floats, in_order, numbered, require_distinct

ONE, TWO = np.float32([1]), np.float32([2])


def test_numbers_are_put_in_order():
    assert list(numbered(LayerBlobs("ip", blobs={2: ONE, 0: TWO}))) == [0, 2]
    assert in_order(LayerBlobs("ip", blobs={1: ONE, 0: TWO})) == [TWO, ONE]


@pytest.mark.parametrize(
    ("blobs", "order"),
    [({"bias": ONE, "weight": TWO}, [TWO, ONE]), ({"weight": ONE}, [ONE]), ({"bias": ONE}, [ONE])],
)
def test_a_weight_comes_before_a_bias(blobs, order):
    assert in_order(LayerBlobs("ip", blobs=blobs)) == order


@pytest.mark.parametrize("blobs", [{"running_mean": ONE, "running_var": TWO}, {"weight": ONE, 1: TWO}])
def test_other_names_tell_no_order(blobs):
    with pytest.raises(WeightsError, match="layer 'bn': nothing says which of Caffe's blobs are"):
        numbered(LayerBlobs("bn", blobs=blobs))


def test_one_name_for_two_layers():
    a, empty = LayerBlobs("a", blobs={0: ONE}), LayerBlobs("a")
    require_distinct([a, empty, LayerBlobs("b", blobs={0: ONE})])
    with pytest.raises(WeightsError, match="two layers are named 'a'"):
        require_distinct([a, empty, a])


def test_numbers_are_in_the_machines_byte_order():
    assert as_floats(np.array([1.5], ">f8"), "it", "file").dtype == np.dtype("f8").newbyteorder("=")


@pytest.mark.parametrize("dtype", ["i8", "U3", "c8", np.longdouble, bool])
def test_other_numbers_are_refused(dtype):
    with pytest.raises(WeightsError, match=r"it holds .*, not floating-point numbers"):
        as_floats(np.zeros(2, dtype), "it", "file")
