import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_tensors

from netspec.errors import WeightsError
from netspec.weights.layers import LayerBlobs
from netspec.weights.safetensors import read_layers, write_layers

BLOBS = {0: np.arange(6, dtype=np.float32).reshape(2, 3), 1: np.float64([0.1])}


def test_the_library_reads_what_is_written(tmp_path):
    layers = [
        LayerBlobs("a.b", "InnerProduct", BLOBS, names=("weight", "bias")),
        LayerBlobs("a", "PReLU", {0: BLOBS[0]}),
        LayerBlobs("relu", "ReLU"),
    ]
    write_layers(tmp_path / "x.safetensors", layers)
    tensors = load_file(tmp_path / "x.safetensors")
    assert sorted(tensors) == ["a.b.bias", "a.b.weight", "a/0"]
    np.testing.assert_array_equal(tensors["a.b.weight"], BLOBS[0])
    found = read_layers(tmp_path / "x.safetensors")
    assert [(layer.name, layer.type, list(layer.blobs), layer.names) for layer in found] == [
        ("a.b", "InnerProduct", [0, 1], ("weight", "bias")),
        ("a", "PReLU", [0], ()),
        ("relu", "ReLU", [], ()),
    ]
    with safe_open(tmp_path / "x.safetensors", "np") as file:
        assert file.metadata()["format"] == "pt"


def test_files_from_elsewhere_are_read_by_their_keys(tmp_path):
    save_file({"conv1.weight": BLOBS[0], "ip/0": BLOBS[1]}, tmp_path / "x")
    assert {layer.name: list(layer.blobs) for layer in read_layers(tmp_path / "x")} == {
        "conv1": ["weight"],
        "ip": [0],
    }


def test_bfloat16_becomes_float32(tmp_path):
    values = torch.tensor([1.5, -3e38], dtype=torch.bfloat16)
    save_tensors({"a/0": values}, tmp_path / "x")
    (layer,) = read_layers(tmp_path / "x")
    assert (layer.blobs[0].dtype, layer.blobs[0].tolist()) == (np.float32, values.tolist())


def test_other_numbers_are_refused(tmp_path):
    save_file({"a/0": np.int64([1])}, tmp_path / "x")
    with pytest.raises(WeightsError, match="'a/0' holds int64, not floating-point numbers"):
        read_layers(tmp_path / "x")


@pytest.mark.parametrize(
    "described",
    [
        "no json",
        "3",
        '[{"name": "a"}]',
        "[]",
        json.dumps([{"name": "a", "type": "", "blobs": {"b/0": 0}}]),
        json.dumps([{"name": "a", "type": "", "blobs": {"a/0": "zero.5", "a/1": 0}}]),
        '[{"name": "\\ud800", "type": "", "blobs": {"a/0": 0}}]',
        "[" * 100_000,
    ],
)
def test_metadata_that_are_damaged(tmp_path, described):
    save_file({"a/0": BLOBS[0]}, tmp_path / "x", {"netspec": described})
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        read_layers(tmp_path / "x")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff\xff\xff\xff\x0f{}",
        (2**40).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{",
        (70).to_bytes(8, "little")
        + b'{"a/0":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4]}}'[:70]
        + bytes(4),
    ],
)
def test_headers_that_promise_too_much(tmp_path, data):
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        read_layers(tmp_path / "x.safetensors")
