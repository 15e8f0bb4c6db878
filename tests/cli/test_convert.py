"""`netspec convert`."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from netspec import compile_net
from netspec.cli import main
from netspec.cli.convert import _NAMES
from netspec.schema.messages import BlobProto, NetParameter, V1LayerParameter
from netspec.weights import LayerBlobs, State, read_weights, write_solverstate, write_weights

SUFFIXES = (".caffemodel", ".caffemodel.h5", ".safetensors", ".npz")
LAYERS = [
    LayerBlobs("data", "Data"),
    LayerBlobs("conv1", "Convolution", {0: np.ones((2, 1, 3, 3)), 1: np.float64([0.1, 2])}),
    LayerBlobs("conv2/a.b", "Custom", {0: np.float32([3]), 1: np.float32([4])}),
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for suffix in SUFFIXES:
        write_weights(f"x{suffix}", LAYERS)
    return tmp_path


def numbers(file):
    return {
        layer.name: {key: (blob.dtype, blob.tolist()) for key, blob in layer.blobs.items()}
        for layer in read_weights(file)
        if layer.blobs
    }


@pytest.mark.parametrize("target", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
def test_all_numbers_come_over(here, capsys, source, target):
    assert main(["convert", f"x{source}", f"out{target}"]) == 0
    assert numbers(f"out{target}") == numbers("x.caffemodel")
    layers = len(read_weights(f"x{source}"))
    assert capsys.readouterr().out == f"out{target}: {layers} layers, 4 blobs, 22 parameters\n"


def test_types_come_over_where_both_formats_know_them(here):
    assert main(["convert", "x.caffemodel", "out.safetensors"]) == 0
    assert main(["convert", "out.safetensors", "out.caffemodel"]) == 0
    found = [(layer.name, layer.type) for layer in read_weights("out.caffemodel")]
    assert found == [(layer.name, layer.type) for layer in LAYERS]


def test_a_file_may_be_replaced_by_what_it_becomes(here):
    assert main(["convert", "x.caffemodel", "x.caffemodel", "-rename=conv1=c"]) == 0
    assert list(numbers("x.caffemodel")) == ["c", "conv2/a.b"]


def test_layers_are_renamed(here):
    rules = ["--rename", r"conv(\d)=c\1", "--rename", r"conv2/(.*)=\1"]
    assert main(["convert", "x.caffemodel", "out.npz", *rules]) == 0
    with np.load("out.npz") as arrays:
        assert sorted(arrays) == ["a.b/0", "a.b/1", "c1/0", "c1/1"]


def test_a_state_dict_becomes_a_caffemodel(here):
    tensors = {"features.0.weight": np.ones((2, 3), np.float32), "features.0.bias": np.zeros(2, np.float32)}
    save_file(tensors, "torch.safetensors")
    assert main(["convert", "torch.safetensors", "out.caffemodel", "--rename", "features.0=ip"]) == 0
    (layer,) = read_weights("out.caffemodel")
    assert (layer.name, layer.blobs[0].shape, layer.blobs[1].shape) == ("ip", (2, 3), (2,))


def test_old_layers_become_todays(here):
    old = NetParameter()
    for name, type, shape in (("conv", "CONVOLUTION", (2, 1, 1, 3)), ("ip", "INNER_PRODUCT", (1, 1, 2, 3))):
        layer = old.layers.add(name=name, type=V1LayerParameter.LayerType.Value(type))
        layer.blobs.add(
            **dict(zip(("num", "channels", "height", "width"), shape, strict=True)), data=range(6)
        )
        layer.blobs.add(num=1, channels=1, height=1, width=2, data=[1, 2])
    v0 = old.layers.add(layer={"name": "v0", "type": "innerproduct"})
    v0.layer.blobs.add(num=1, channels=1, height=1, width=3, data=[1, 2, 3])
    (here / "old.caffemodel").write_bytes(old.SerializeToString())
    assert main(["convert", "old.caffemodel", "out.caffemodel"]) == 0
    shapes = {
        (layer.name, layer.type): [blob.shape for blob in layer.blobs.values()]
        for layer in read_weights("out.caffemodel")
    }
    assert shapes == {
        ("conv", "Convolution"): [(2, 1, 1, 3), (2,)],
        ("ip", "InnerProduct"): [(2, 3), (2,)],
        ("v0", "InnerProduct"): [(1, 3)],
    }


NET = """input: "x" input_shape { dim: 2 dim: 3 dim: 4 dim: 4 }
layer { name: "l0" type: "Convolution" bottom: "x" top: "a"
  convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "l1" type: "Deconvolution" bottom: "a" top: "b"
  convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "l2" type: "BatchNorm" bottom: "b" top: "c" }
layer { name: "l3" type: "Scale" bottom: "c" top: "d" scale_param { bias_term: true } }
layer { name: "l4" type: "PReLU" bottom: "d" top: "e" }
layer { name: "l5" type: "InnerProduct" bottom: "e" top: "f" inner_product_param { num_output: 2 } }
layer { name: "l6" type: "ArgMax" bottom: "f" top: "g" }
layer { name: "l7" type: "Embed" bottom: "g" top: "h" embed_param { num_output: 2 input_dim: 3 } }
"""


def test_blobs_are_called_as_a_net_calls_them(here):
    (here / "net.prototxt").write_text(NET)
    net = compile_net("net.prototxt", seed=1)
    net.save_weights("net.caffemodel")
    assert main(["convert", "net.caffemodel", "net.safetensors"]) == 0
    tensors = load_file("net.safetensors")
    assert tensors.keys() == net.state_dict().keys()
    assert {layer.type for layer in read_weights("net.caffemodel") if layer.blobs} == _NAMES.keys()
    for key, values in net.state_dict().items():
        np.testing.assert_array_equal(tensors[key], values)


# Mean images --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("legacy", [True, False])
def test_a_mean_image_becomes_an_array_and_back(here, legacy, capsys):
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    blob = BlobProto(data=values.ravel())
    if legacy:
        blob.num, blob.channels, blob.height, blob.width = 1, 2, 2, 3
    else:
        blob.shape.dim.extend(values.shape)
    (here / "mean.binaryproto").write_bytes(blob.SerializeToString())
    assert main(["convert", "mean.binaryproto", "mean.npy"]) == 0
    assert capsys.readouterr().out == "mean.npy: 2x2x3\n"
    np.testing.assert_array_equal(np.load("mean.npy"), values)
    assert main(["convert", "mean.npy", "back.binaryproto"]) == 0
    back = BlobProto.FromString((here / "back.binaryproto").read_bytes())
    assert (back.num, back.channels, back.height, back.width) == (1, 2, 2, 3)
    assert list(back.data) == list(blob.data)


# What goes wrong ----------------------------------------------------------------------------------------


def unchanged(here):
    return {path.name for path in here.iterdir()} == {f"x{suffix}" for suffix in SUFFIXES}


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (["x.npz", "out.pth"], 2, "weights cannot be written to 'out.pth'\n   help: end it in .caffemodel,"),
        (["x.npz", "out.npz", "--rename", "a"], 2, "--rename takes OLD=NEW, not 'a'"),
        (["x.npz", "out.npz", "--rename", "(=a"], 2, "--rename '(=a': missing ), unterminated subpattern"),
        (["x.npz", "out.npz", "--rename", r"conv1=\1"], 2, "invalid group reference 1"),
        (["x.npz", "out.npz", "--rename", "conv3=a"], 1, "no layer is named 'conv3'"),
        (["x.npz", "out.npz", "--rename", "conv.*=a"], 1, "the layers 'conv1' and 'conv2/a.b' would both be"),
        (["none.npz", "out.npz"], 1, "none.npz: error: no such file"),
        (["x.npz", "none/out.npz"], 1, "none/out.npz: error: cannot be written: No such file"),
        (["x.npz"], 2, "the following arguments are required: OUT"),
    ],
)
def test_diagnostics(here, capsys, argv, status, message):
    assert main(["convert", *argv]) == status
    assert message in capsys.readouterr().err
    assert unchanged(here)


def test_a_solvers_state_is_not_converted(here, capsys):
    write_solverstate("x.solverstate", State(1))
    assert main(["convert", "x.solverstate", "out.npz"]) == 1
    assert "expected a net's weights, but this is a solver's state" in capsys.readouterr().err


def test_blobs_whose_order_nothing_tells(here, capsys):
    save_file({"bn.running_mean": np.float32([1]), "bn.running_var": np.float32([1])}, "torch.safetensors")
    assert main(["convert", "torch.safetensors", "out.caffemodel"]) == 1
    assert "nothing says which of Caffe's blobs are running_mean, running_var" in capsys.readouterr().err
    assert main(["convert", "torch.safetensors", "out.safetensors", "--rename=bn=b"]) == 0
    assert sorted(load_file("out.safetensors")) == ["b.running_mean", "b.running_var"]


@pytest.mark.parametrize("array", [np.zeros((2, 2), np.float32), np.zeros((2, 1, 1, 1)), np.int64([[[1]]])])
def test_arrays_that_are_no_mean_image(here, capsys, array):
    np.save("mean.npy", array)
    assert main(["convert", "mean.npy", "mean.binaryproto"]) == 1
    assert "mean.npy: error: " in capsys.readouterr().err


def test_an_array_that_is_cut(here, capsys):
    np.save("mean.npy", np.zeros((3, 4, 4), np.float32))
    data = (here / "mean.npy").read_bytes()
    for size in (0, 7, 60, 127, 140, len(data) - 1):
        (here / "mean.npy").write_bytes(data[:size])
        assert main(["convert", "mean.npy", "mean.binaryproto"]) == 1
        assert "mean.npy: error: cannot be read as an array" in capsys.readouterr().err


def test_a_mean_image_is_no_weights(here, capsys):
    (here / "mean.binaryproto").write_bytes(
        BlobProto(num=1, channels=1, height=1, width=1, data=[1]).SerializeToString()
    )
    assert main(["convert", "mean.binaryproto", "out.npz"]) == 2
    assert "end it in .npy" in capsys.readouterr().err
