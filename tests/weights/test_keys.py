import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.weights.keys import key, layers_by_key
from netspec.weights.layers import LayerBlobs

BLOB = np.float32([1])


@pytest.mark.parametrize("name", ["conv1", "a/b", "a.b", "a/0", "0", "", "a\nb", "größe/1x1"])
@pytest.mark.parametrize("blob", [0, 12, "weight"])
def test_a_key_is_read_as_it_was_written(name, blob):
    (layer,) = layers_by_key({key(LayerBlobs(name), blob): BLOB}, "file")
    assert (layer.name, list(layer.blobs)) == (name, [blob])


def test_the_blobs_of_a_layer_come_together():
    layers = layers_by_key({"a/1": BLOB, "b.weight": BLOB, "a/0": BLOB, "a/b/0": BLOB}, "file")
    assert [(layer.name, list(layer.blobs)) for layer in layers] == [
        ("a", [1, 0]),
        ("b", ["weight"]),
        ("a/b", [0]),
    ]


@pytest.mark.parametrize("name", ["arr_0", "a/00", "a/-1", "a/1x", "a/٣", "a/9999999999"])
def test_what_names_no_blob(name):
    with pytest.raises(WeightsError, match="names no blob of a layer"):
        layers_by_key({name: BLOB}, "file")
