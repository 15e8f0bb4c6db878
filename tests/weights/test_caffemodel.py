import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import BlobProto, NetParameter, V1LayerParameter
from netspec.weights.caffemodel import read_caffemodel, write_caffemodel
from netspec.weights.layers import LayerBlobs
from netspec.weights.loading import save_from
from netspec.weights.wire import put_bytes, put_text

# Writing ------------------------------------------------------------------------------------------------


def test_protobuf_reads_what_is_written(net, tmp_path):
    save_from(net, tmp_path / "x.caffemodel")
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
    save_from(net, tmp_path / "x.caffemodel")
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
    save_from(net, tmp_path / "x.caffemodel")
    _, a, b = read_caffemodel(tmp_path / "x.caffemodel")
    np.testing.assert_array_equal(a.blobs[0], b.blobs[0])
    np.testing.assert_array_equal(a.blobs[0], net.params["a"][0].detach())


# Reading ------------------------------------------------------------------------------------------------


def test_layers_of_all_ages_are_read(tmp_path):
    v1 = V1LayerParameter(name="v1", type=V1LayerParameter.CONVOLUTION, bottom=["x"], top=["y"])
    v1.blobs.add(num=1, channels=1, height=1, width=2, data=[1, 2])
    message = NetParameter(layers=[v1], layer=[{"name": "v2", "type": "ReLU"}])
    blob = BlobProto(num=1, channels=1, height=1, width=1, data=[1]).SerializeToString()
    v0 = put_bytes(1, *put_text(1, "v0"), *put_text(2, "conv"), *put_bytes(50, blob))
    v0 += put_text(2, "below")
    (tmp_path / "x").write_bytes(message.SerializeToString() + b"".join(put_bytes(2, *v0)))
    layers = {layer.name: layer for layer in read_caffemodel(tmp_path / "x")}
    assert {name: layer.type for name, layer in layers.items()} == {
        "v2": "ReLU",
        "v1": "CONVOLUTION",
        "v0": "conv",
    }
    assert {key: blob.tolist() for key, blob in layers["v1"].blobs.items()} == {0: [[[[1, 2]]]]}
    assert {key: blob.tolist() for key, blob in layers["v0"].blobs.items()} == {0: [[[[1]]]]}
    assert (layers["v1"].bottoms, layers["v1"].tops, layers["v0"].bottoms) == (("x",), ("y",), ("below",))


def test_fields_with_another_meaning_elsewhere_are_passed_over(net, write_file, ones):
    path = write_file({})
    layer = NetParameter(layer=[{"name": "ip", "blobs": [{"shape": {"dim": [1]}, "data": [2]}]}])
    body = layer.layer[0].SerializeToString() + b"\xa2\x09\x03\xff\xff\xff"  # number 148, which is no message
    path.write_bytes(b"\xa2\x06" + bytes([len(body)]) + body)
    assert read_caffemodel(path)[0].blobs[0].tolist() == [2]


def test_a_net_without_layers_is_no_file_of_weights(tmp_path):
    (tmp_path / "x").write_bytes(NetParameter(name="cut short", force_backward=True).SerializeToString())
    with pytest.raises(WeightsError, match="the net has no layers"):
        read_caffemodel(tmp_path / "x")


def test_what_is_read_is_written_again(tmp_path):
    layers = [
        LayerBlobs("data", "Data", tops=("x",)),
        LayerBlobs("ip", "InnerProduct", {0: np.array([[1, 2]], np.float64)}, ("x",), ("y",)),
        LayerBlobs("unknown", "", {0: np.float32([3])}),
    ]
    write_caffemodel(tmp_path / "x", layers)
    message = NetParameter.FromString((tmp_path / "x").read_bytes())
    assert [layer.HasField("type") for layer in message.layer] == [True, True, False]
    assert (list(message.layer[1].blobs[0].double_data), len(message.layer[1].blobs[0].data)) == ([1, 2], 0)
    found = read_caffemodel(tmp_path / "x")
    assert [(layer.name, layer.type, layer.bottoms, layer.tops) for layer in found] == [
        (layer.name, layer.type, layer.bottoms, layer.tops) for layer in layers
    ]
    assert (found[1].blobs[0].dtype, found[1].blobs[0].tolist()) == (np.float64, [[1, 2]])


def test_a_blob_that_only_another_layer_has_cannot_be_written(tmp_path):
    with pytest.raises(WeightsError, match="layer 'ip' has the blobs 1 only"):
        write_caffemodel(tmp_path / "x", [LayerBlobs("ip", blobs={1: np.float32([3])})])
    assert not (tmp_path / "x").exists()
