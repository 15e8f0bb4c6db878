import random
from pathlib import Path

import numpy as np
import pytest
import torch

from netspec.compiler.net import compile_net
from netspec.errors import NetspecError, WeightsError
from netspec.layers.base import as_tuple
from netspec.schema.messages import BlobProto, NetParameter, V1LayerParameter
from netspec.weights import load_into, read_caffemodel, write_caffemodel
from netspec.weights.wire import put_bytes, put_text

SHARED = Path(__file__).parents[3] / "shared"


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} lies beside the project, not in it")
    return path


def values(net):
    return {name: [blob.detach().clone() for blob in blobs] for name, blobs in net.params.items()}


def same(left, right):
    return left.keys() == right.keys() and all(
        torch.equal(a, b) for name in left for a, b in zip(left[name], right[name], strict=True)
    )


# Writing ------------------------------------------------------------------------------------------------


def test_protobuf_reads_what_is_written(net, tmp_path):
    write_caffemodel(tmp_path / "x.caffemodel", net)
    message = NetParameter.FromString((tmp_path / "x.caffemodel").read_bytes())
    assert message.name == "small"
    assert [(layer.name, layer.type, list(layer.bottom), list(layer.top)) for layer in message.layer] == [
        ("in", "Input", [], ["x"]),
        ("conv", "Convolution", ["x"], ["conv"]),
        ("relu", "ReLU", ["conv"], ["conv"]),
        ("ip", "InnerProduct", ["conv"], ["ip"]),
    ]
    for layer in message.layer:
        blobs = net.params.get(layer.name, [])
        assert [tuple(blob.shape.dim) for blob in layer.blobs] == [tuple(blob.shape) for blob in blobs]
        for stored, blob in zip(layer.blobs, blobs, strict=True):
            np.testing.assert_array_equal(np.array(stored.data, np.float32), blob.detach().numpy().ravel())
    assert message.SerializeToString() == (tmp_path / "x.caffemodel").read_bytes()


def test_only_fields_that_all_forks_agree_on_are_written(net, tmp_path):
    write_caffemodel(tmp_path / "x.caffemodel", net)
    message = NetParameter.FromString((tmp_path / "x.caffemodel").read_bytes())
    written = {field.name for layer in message.layer for field, _ in layer.ListFields()}
    assert written == {"name", "type", "bottom", "top", "blobs"}


def test_a_shared_blob_is_written_in_each_layer(compile_text, tmp_path):
    ip = """bottom: "x" param { name: "w" } inner_product_param {
      num_output: 4 bias_term: false weight_filler { type: "xavier" } }"""
    net = compile_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 } } }'
        f'layer {{ name: "a" type: "InnerProduct" top: "a" {ip} }}'
        f'layer {{ name: "b" type: "InnerProduct" top: "b" {ip} }}'
    )
    write_caffemodel(tmp_path / "x.caffemodel", net)
    _, a, b = read_caffemodel(tmp_path / "x.caffemodel")
    np.testing.assert_array_equal(a.blobs[0], b.blobs[0])
    np.testing.assert_array_equal(a.blobs[0], net.params["a"][0].detach())


# Reading ------------------------------------------------------------------------------------------------


def test_layers_of_all_ages_are_read(tmp_path):
    v1 = V1LayerParameter(name="v1", type=V1LayerParameter.CONVOLUTION)
    v1.blobs.add(num=1, channels=1, height=1, width=2, data=[1, 2])
    message = NetParameter(layers=[v1], layer=[{"name": "v2", "type": "ReLU"}])
    blob = BlobProto(num=1, channels=1, height=1, width=1, data=[1]).SerializeToString()
    v0 = put_bytes(1, *put_text(1, "v0"), *put_text(2, "conv"), *put_bytes(50, blob))
    (tmp_path / "x").write_bytes(message.SerializeToString() + b"".join(put_bytes(2, *v0)))
    layers = {layer.name: layer for layer in read_caffemodel(tmp_path / "x")}
    assert {name: layer.type for name, layer in layers.items()} == {
        "v2": "ReLU",
        "v1": "CONVOLUTION",
        "v0": "conv",
    }
    assert [blob.tolist() for blob in layers["v1"].blobs] == [[[[[1, 2]]]]]
    assert [blob.tolist() for blob in layers["v0"].blobs] == [[[[[1]]]]]


def test_fields_with_another_meaning_elsewhere_are_passed_over(net, write_file, ones):
    path = write_file({})
    layer = NetParameter(layer=[{"name": "ip", "blobs": [{"shape": {"dim": [1]}, "data": [2]}]}])
    body = layer.layer[0].SerializeToString() + b"\xa2\x09\x03\xff\xff\xff"  # number 148, which is no message
    path.write_bytes(b"\xa2\x06" + bytes([len(body)]) + body)
    assert read_caffemodel(path)[0].blobs[0].tolist() == [2]


@pytest.mark.parametrize("seed", range(4))
def test_hostile_files_are_refused_or_read(net, tmp_path, seed):
    """Cut anywhere, or with bits flipped: an error that says so, or some numbers, and nothing else."""
    path, draw = tmp_path / "x.caffemodel", random.Random(seed)
    write_caffemodel(path, net)
    whole = path.read_bytes()
    refused = 0
    for _ in range(150):
        data = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.5 else whole)
        for _ in range(draw.randrange(4) if data else 0):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        try:
            load_into(net, path)
        except NetspecError:
            refused += 1
    assert refused > 75


# Loading ------------------------------------------------------------------------------------------------


def test_a_round_trip_is_exact(net, compile_text, tmp_path):
    before = values(net)
    write_caffemodel(tmp_path / "x.caffemodel", net)
    with torch.no_grad():
        for blob in net.parameters():
            blob.fill_(9)
    report = load_into(net, tmp_path / "x.caffemodel")
    assert same(values(net), before)
    assert report.loaded == ("conv", "ip")


def test_the_report_names_what_was_left(net, write_file, ones):
    kept = values(net)["ip"]
    report = load_into(net, write_file({"conv": ones["conv"], "fc8": ones["ip"]}))
    assert (report.loaded, report.missing, report.unused) == (("conv",), ("ip",), ("fc8",))
    assert torch.equal(net.params["conv"][0], ones["conv"][0])
    assert torch.equal(net.params["ip"][0], kept[0])


def test_old_shapes_with_leading_ones_fit(net, write_file, ones):
    ones["ip"] = [torch.ones(1, 1, 3, 32), torch.ones(1, 1, 1, 3)]
    load_into(net, write_file(ones))
    assert net.params["ip"][1].shape == (3,)
    assert net.params["ip"][1].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("blobs", "message"),
    [
        (
            [(3, 31), (3,)],
            r"blob 0 of layer 'ip' has the shape \[3, 31\] in the file, but \[3, 32\] in the net",
        ),
        ([(3, 32), (1, 3)], r"blob 1 of layer 'ip' has the shape \[1, 3\] in the file, but \[3\] in the net"),
        ([(32, 3, 1, 1), (3,)], r"has the shape \[32, 3, 1, 1\] in the file"),
        ([(3, 32)], "layer 'ip' has 1 blobs in the file, but 2 in the net"),
    ],
)
def test_a_clash_names_the_layer_and_changes_nothing(net, write_file, ones, blobs, message):
    before = values(net)
    ones["ip"] = [torch.ones(shape) for shape in blobs]
    with pytest.raises(WeightsError, match=message) as caught:
        load_into(net, write_file(ones))
    assert caught.value.diagnostics[0].span.line == 6
    assert same(values(net), before)


def test_a_file_of_another_net(net, write_file, ones):
    with pytest.raises(WeightsError, match="has no layer in common with the net 'small'") as caught:
        load_into(net, write_file({"fc8": ones["ip"]}))
    assert "its layers are 'fc8'; the net's are 'conv', 'ip'" in str(caught.value)


# Files that others wrote --------------------------------------------------------------------------------


def test_the_spatial_transformer_fork(monkeypatch):
    """The fork wrote its field 148 into the file, which means another message elsewhere."""
    monkeypatch.chdir(shared("fork_snapshot"))
    expected = np.load("expected.npz")
    net = compile_net(shared("blog") / "stn.prototxt", seed=0)
    assert load_into(net, "stn_iter_200.caffemodel").missing == ()
    tops = {}
    for node in net.graph.nodes:
        if node.bottoms:
            outputs = node.layer(*(tops[blob.name] for blob in node.bottoms))
        else:
            outputs = [torch.from_numpy(expected[top.name]) for top in node.tops]
        tops.update(zip((top.name for top in node.tops), as_tuple(outputs), strict=True))
    for name in ("theta", "st_output", "ip2"):
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(tops[name].detach(), expected[name], rtol=0, atol=2e-5 * scale)


def test_a_net_of_2014(compile_text):
    file = shared("caffemodels") / "v1_era_everpeace2014_lenet" / "lenet_iter_10000.caffemodel"
    layers = {layer.name: layer for layer in read_caffemodel(file)}
    shapes = {name: [blob.shape for blob in layer.blobs] for name, layer in layers.items() if layer.blobs}
    assert shapes["conv2"] == [(50, 20, 5, 5), (1, 1, 1, 50)]
    assert shapes["ip2"] == [(1, 1, 10, 500), (1, 1, 1, 10)]
    assert layers["conv2"].type == "CONVOLUTION"
    net = compile_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 500 } } }'
        'layer { name: "ip2" type: "InnerProduct" bottom: "x" top: "y"'
        "  inner_product_param { num_output: 10 } }"
    )
    assert load_into(net, file).loaded == ("ip2",)
    np.testing.assert_array_equal(net.params["ip2"][0].detach(), layers["ip2"].blobs[0][0, 0])
