"""What all formats have in common."""

import h5py
import numpy as np
import pytest
from safetensors.numpy import load_file

from netspec.errors import WeightsError
from netspec.schema.messages import BlobProto, NetParameter
from netspec.weights import LayerBlobs, State, read_weights, write_solverstate, write_weights
from netspec.weights.formats import kind_of

SUFFIXES = (".caffemodel", ".caffemodel.h5", ".H5", ".safetensors", ".npz", ".anything")
RNG = np.random.default_rng(1)
LAYERS = [
    LayerBlobs("data", "Data"),
    LayerBlobs("a/b.c", "Convolution", {0: RNG.normal(size=(2, 1, 3)), 1: np.float32(7).reshape(())}),
    LayerBlobs("größe", "InnerProduct", {0: np.float32(RNG.normal(size=(3, 2))), 1: np.zeros((0, 2), "f4")}),
]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_round_trip_is_exact(tmp_path, suffix):
    write_weights(tmp_path / f"x{suffix}", LAYERS)
    found = {layer.name: layer for layer in read_weights(tmp_path / f"x{suffix}") if layer.blobs}
    assert found.keys() == {layer.name for layer in LAYERS[1:]}
    for layer in LAYERS[1:]:
        for key, blob in layer.blobs.items():
            other = found[layer.name].blobs[key]
            assert (other.dtype, other.shape) == (blob.dtype, blob.shape)
            np.testing.assert_array_equal(other, blob)
    assert kind_of(tmp_path / f"x{suffix}") == "a net's weights"


@pytest.mark.parametrize("suffix", [".caffemodel", ".safetensors"])
def test_types_and_empty_layers_are_kept_where_there_is_a_place_for_them(tmp_path, suffix):
    write_weights(tmp_path / f"x{suffix}", LAYERS)
    found = read_weights(tmp_path / f"x{suffix}")
    assert [(layer.name, layer.type) for layer in found] == [(layer.name, layer.type) for layer in LAYERS]


@pytest.mark.parametrize("suffix", SUFFIXES[:-1])
def test_the_content_says_what_a_file_is(tmp_path, suffix):
    write_weights(tmp_path / f"x{suffix}", LAYERS)
    (tmp_path / f"x{suffix}").rename(tmp_path / "x")
    assert "a/b.c" in {layer.name for layer in read_weights(tmp_path / "x")}


@pytest.mark.parametrize("suffix", [".caffemodel.h5", ".safetensors", ".npz"])
def test_two_layers_of_one_name(tmp_path, suffix):
    with pytest.raises(WeightsError, match=r"two layers are named 'a/b\.c'"):
        write_weights(tmp_path / f"x{suffix}", [*LAYERS, LAYERS[1]])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_and_an_empty_file(tmp_path, suffix):
    with pytest.raises(WeightsError, match="no such file"):
        read_weights(tmp_path / f"x{suffix}")
    (tmp_path / f"x{suffix}").touch()
    with pytest.raises(WeightsError, match="the file is empty"):
        read_weights(tmp_path / f"x{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES[:-1])
def test_a_folder_that_is_missing(tmp_path, suffix):
    with pytest.raises(WeightsError, match="cannot be written"):
        write_weights(tmp_path / "none" / f"x{suffix}", LAYERS)


@pytest.mark.parametrize("suffix", ["", ".h5", ".safetensors"])
def test_states_and_mean_images_are_told_apart(tmp_path, suffix):
    write_solverstate(tmp_path / f"s{suffix}", State(3, "x", [np.float32([1])]))
    assert kind_of(tmp_path / f"s{suffix}") == "a solver's state"
    for number, blob in enumerate(
        (BlobProto(num=1, channels=1, height=1, width=1, data=[1]), BlobProto(shape={"dim": [1]}, data=[1]))
    ):
        (tmp_path / f"m{number}").write_bytes(blob.SerializeToString())
        assert kind_of(tmp_path / f"m{number}") == "a single blob"


def test_diffs_lie_beside_the_blobs_where_caffe_keeps_them(tmp_path):
    blobs = {0: np.float32([[1, 2]]), 1: np.float64([3])}
    diffs = {0: np.float32([[0.5, -2]]), 1: np.float64([0.25])}
    layers = [
        LayerBlobs("a/b", "InnerProduct", blobs, names=("weight", "bias"), diffs=diffs),
        LayerBlobs("relu"),
    ]
    for suffix in SUFFIXES:
        write_weights(tmp_path / f"x{suffix}", layers)
        (read,) = [layer for layer in read_weights(tmp_path / f"x{suffix}") if layer.blobs]
        assert [blob.tolist() for blob in read.blobs.values()] == [blob.tolist() for blob in blobs.values()]
    message = NetParameter.FromString((tmp_path / "x.caffemodel").read_bytes()).layer[0]
    assert [list(message.blobs[0].diff), list(message.blobs[1].double_diff)] == [[0.5, -2], [0.25]]
    with h5py.File(tmp_path / "x.caffemodel.h5") as file:
        assert {name: file[f"diff/a/b/{name}"][()].tolist() for name in "01"} == {
            "0": [[0.5, -2]],
            "1": [0.25],
        }
    tensors = load_file(tmp_path / "x.safetensors")
    assert tensors["a/b.weight.diff"].tolist() == [[0.5, -2]]
