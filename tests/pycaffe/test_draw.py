import cv2
import numpy as np
import pytest
from google.protobuf import text_format

from netspec.pycaffe import draw
from netspec.pycaffe.proto import caffe_pb2

NET = """
name: "small"
layer { name: "data" type: "Data" top: "x" top: "label" data_param { batch_size: 7 } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" param { lr_mult: 2 } param { lr_mult: 0.5 }
  convolution_param { num_output: 20 kernel_size: 5 stride: 2 pad: 1 } include { phase: TEST } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" inner_product_param { num_output: 10 }
  exclude { phase: TRAIN } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" include { stage: "a" } }
"""


@pytest.fixture
def net():
    return text_format.Merge(NET, caffe_pb2.NetParameter())


@pytest.fixture
def layers(net):
    return {layer.name: layer for layer in net.layer}


def test_labels_of_layers(layers):
    label = draw.get_layer_label
    conv = r'"conv\n(Convolution)\nkernel size: 5\nstride: 2\npad: 1"'
    assert label(layers["conv"], "LR") == conv
    assert label(layers["conv"], "TB") == conv.replace(r"\n", " ") == label(layers["conv"], "BT")
    assert label(layers["pool"], "TB") == '"pool (Pooling AVE) kernel size: 3 stride: 1 pad: 0"'
    assert label(layers["relu"], "TB") == '"relu (ReLU)"'
    assert label(layers["conv"], "TB", display_lrm=True).endswith('pad: 1 lr mult: 2.0, 0.5"')
    assert label(layers["relu"], "TB", True) == '"relu (ReLU)"'
    plain = caffe_pb2.LayerParameter(name="d", type="Deconvolution")
    assert label(plain, "TB") == '"d (Deconvolution) kernel size: 1 stride: 1 pad: 0"'


def test_learning_rates(layers):
    assert draw.get_layer_lr_mult(layers["conv"]) == (2, 0.5)
    assert draw.get_layer_lr_mult(layers["ip"]) == (1, 1)
    one = caffe_pb2.LayerParameter(type="InnerProduct", param=[{"lr_mult": 3}])
    assert draw.get_layer_lr_mult(one) == (3, 1)
    with pytest.raises(ValueError, match="ReLU"):
        draw.get_layer_lr_mult(layers["relu"])
    with pytest.raises(ValueError, match="3 param blocks"):
        draw.get_layer_lr_mult(caffe_pb2.LayerParameter(type="InnerProduct", param=[{}] * 3))


def test_labels_of_edges(layers):
    labels = {name: draw.get_edge_label(layer) for name, layer in layers.items()}
    assert labels == {
        "data": "Batch 7", "conv": "20", "relu": '""', "pool": '""', "ip": "10", "loss": '""',
    }  # fmt: skip


def test_colours_and_kinds_of_pooling():
    colours = [
        draw.choose_color_by_layertype(type) for type in ("Convolution", "Deconvolution", "Pooling", "X")
    ]
    assert colours[0] == colours[1]
    assert len(set(colours)) == 3
    assert all(len(bytes.fromhex(colour[1:])) == 3 for colour in colours)
    assert draw.get_pooling_types_dict() == {0: "MAX", 1: "AVE", 2: "STOCHASTIC"}


def test_the_graph(net):
    drawing = draw.get_pydot_graph(net, "LR").drawing
    assert (drawing.name, drawing.direction) == ("small", "LR")
    boxes = {box.key: box for box in drawing.boxes}
    assert set(boxes) == {
        "data_Data", "conv_Convolution", "relu_ReLU", "pool_Pooling", "ip_InnerProduct",
        "loss_SoftmaxWithLoss", "x_blob", "label_blob", "conv_blob", "pool_blob", "ip_blob", "loss_blob",
    }  # fmt: skip
    assert boxes["conv_Convolution"].lines[:2] == ("conv", "(Convolution)")
    assert boxes["x_blob"].shape == "octagon" != boxes["relu_ReLU"].shape
    assert boxes["relu_ReLU"].fill not in (boxes["loss_SoftmaxWithLoss"].fill, boxes["x_blob"].fill)
    edges = {(edge.tail, edge.head): edge.label for edge in drawing.edges}
    assert edges["data_Data", "x_blob"] == "Batch 7"
    assert edges["conv_blob", "relu_ReLU"] == edges["relu_ReLU", "conv_blob"] == ""
    assert edges["conv_Convolution", "conv_blob"] == "20"
    assert len(edges) == 13
    bare = draw.get_pydot_graph(net, "LR", label_edges=False).drawing
    assert {edge.label for edge in bare.edges} == {""}
    assert draw.get_pydot_graph(caffe_pb2.NetParameter(), "TB").drawing.name == "Net"


def test_phases(net):
    def drawn(phase):
        boxes = draw.get_pydot_graph(net, "TB", phase=phase).drawing.boxes
        return [box.key.partition("_")[0] for box in boxes if not box.key.endswith("_blob")]

    assert drawn(None) == drawn(caffe_pb2.TEST) == ["data", "conv", "relu", "pool", "ip", "loss"]
    assert drawn(caffe_pb2.TRAIN) == ["data", "relu", "pool", "loss"]
    net.layer[1].exclude.add()
    with pytest.raises(ValueError, match="'conv' has both include and exclude"):
        drawn(caffe_pb2.TRAIN)
    assert drawn(None)


def test_directions(net):
    with pytest.raises(ValueError, match="rankdir of LR, RL, TB or BT, not 'up'"):
        draw.draw_net(net, "up")


def test_pictures(net, tmp_path):
    png = draw.draw_net(net, "LR")
    wide = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    draw.draw_net_to_file(net, str(tmp_path / "net.png"), "TB", caffe_pb2.TEST, True)
    tall = cv2.imread(str(tmp_path / "net.png"))
    assert wide.shape[1] > tall.shape[1]
    assert tall.shape[0] > 2 * wide.shape[0]
    assert len(np.unique(wide.reshape(-1, 3), axis=0)) > 6
    assert draw.draw_net(net, "LR", "svg").startswith(b"<svg")
    draw.draw_net_to_file(net, tmp_path / "net.raw")
    assert (tmp_path / "net.raw").read_text().startswith('digraph "small"')
    with pytest.raises(ValueError, match="cannot draw as 'xyz'"):
        draw.draw_net_to_file(net, str(tmp_path / "net.xyz"))


def test_what_scripts_ask_of_pydot(net, tmp_path):
    graph = draw.get_pydot_graph(net, "TB")
    assert graph.to_string() == graph.drawing.dot()
    assert graph.create(format="svg") == graph.drawing.svg().encode()
    assert graph.create()[1:4] == b"PNG"
    assert graph.write(tmp_path / "a.dot")
    assert (tmp_path / "a.dot").read_text() == graph.to_string()
    graph.write_png(str(tmp_path / "a.png"))
    assert (tmp_path / "a.png").read_bytes() == graph.create(format="png")
    graph.write_svg(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes() == graph.create(format="svg")


def test_googlenet_size():
    """Many layers, branches and long edges."""
    net = caffe_pb2.NetParameter()
    net.layer.add(name="x", type="Input", top=["x0"])
    for i in range(40):
        for branch in "abc":
            net.layer.add(name=f"{branch}{i}", type="Convolution", bottom=[f"x{i}"], top=[f"{branch}{i}"])
        net.layer.add(name=f"x{i}", type="Concat", bottom=[f"{b}{i}" for b in "abc"], top=[f"x{i + 1}"])
    net.layer.add(name="loss", type="SoftmaxWithLoss", bottom=["x40", "x0"], top=["loss"])
    assert draw.draw_net(net, "TB", "svg").count(b'id="') == 2 * 162  # layers and blobs
