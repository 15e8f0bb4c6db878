"""Whole nets of all ages: what becomes of them, and that they are what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.graph.build import build_graph, load_net
from netspec.passes.upgrade import upgrade_net, upgraded
from netspec.schema.document import load_document, parse_net
from netspec.schema.messages import TEST, TRAIN, NetParameter, NetState

GOLDEN = Path(__file__).parents[1] / "golden" / "upgrade"
PAIRS = sorted(path for path in GOLDEN.glob("v*.prototxt") if ".upgraded" not in path.name)

V0 = """name: "old" force_backward: true
input: "data" input_dim: 2 input_dim: 3 input_dim: 9 input_dim: 9
layers { layer { name: "pad1" type: "padding" pad: 1 } bottom: "data" top: "pad1" }
layers { layer { name: "conv1" type: "conv" num_output: 4 kernelsize: 3 blobs_lr: 1 blobs_lr: 2
  weight_decay: 1 weight_decay: 0 weight_filler { type: "gaussian" std: 0.1 } } bottom: "pad1" top: "conv1" }
layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
layers { layer { name: "norm1" type: "lrn" local_size: 3 } bottom: "conv1" top: "norm1" }
layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 3 stride: 2 } bottom: "norm1" top: "pool1" }
layers { layer { name: "cat" type: "concat" concat_dim: 1 } bottom: "pool1" bottom: "pool1" top: "cat" }
layers { layer { name: "flat" type: "flatten" } bottom: "cat" top: "flat" }
layers { layer { name: "ip" type: "innerproduct" num_output: 5 biasterm: false } bottom: "flat" top: "ip" }
layers { layer { name: "drop" type: "dropout" dropout_ratio: 0.3 } bottom: "ip" top: "ip" }
layers { layer { name: "prob" type: "softmax" } bottom: "ip" top: "prob" }
"""
V1 = """name: "old" force_backward: true
input: "data" input_dim: 2 input_dim: 3 input_dim: 9 input_dim: 9
layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1" blobs_lr: 1 blobs_lr: 2 weight_decay: 1
  weight_decay: 0 convolution_param {
    num_output: 4 pad: 1 kernel_size: 3 weight_filler { type: "gaussian" std: 0.1 } } }
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
layers { name: "norm1" type: LRN bottom: "conv1" top: "norm1" lrn_param { local_size: 3 } }
layers { name: "pool1" type: POOLING bottom: "norm1" top: "pool1"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layers { name: "cat" type: CONCAT bottom: "pool1" bottom: "pool1" top: "cat" concat_param { concat_dim: 1 } }
layers { name: "flat" type: FLATTEN bottom: "cat" top: "flat" }
layers { name: "ip" type: INNER_PRODUCT bottom: "flat" top: "ip"
  inner_product_param { num_output: 5 bias_term: false } }
layers { name: "drop" type: DROPOUT bottom: "ip" top: "ip" dropout_param { dropout_ratio: 0.3 } }
layers { name: "prob" type: SOFTMAX bottom: "ip" top: "prob" }
"""
V2 = """name: "old" force_backward: true
layer { name: "input" type: "Input" top: "data" input_param { shape { dim: [2, 3, 9, 9] } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 } convolution_param {
    num_output: 4 pad: 1 kernel_size: 3 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "norm1" type: "LRN" bottom: "conv1" top: "norm1" lrn_param { local_size: 3 } }
layer { name: "pool1" type: "Pooling" bottom: "norm1" top: "pool1"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "cat" type: "Concat" bottom: "pool1" bottom: "pool1" top: "cat" concat_param { concat_dim: 1 } }
layer { name: "flat" type: "Flatten" bottom: "cat" top: "flat" }
layer { name: "ip" type: "InnerProduct" bottom: "flat" top: "ip"
  inner_product_param { num_output: 5 bias_term: false } }
layer { name: "drop" type: "Dropout" bottom: "ip" top: "ip" dropout_param { dropout_ratio: 0.3 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""


def shown(graph):
    """All that a graph says, but for the places in the text."""
    nodes = [
        (
            node.key,
            node.layer.spec.SerializeToString(deterministic=True),
            (node.loss_weights, node.propagate_down),
            [(blob.name, blob.shape) for blob in (*node.bottoms, *node.tops)],
        )
        for node in graph.nodes
    ]
    params = [
        (param.name, param.lr_mult, param.decay_mult, param.owner and param.owner.name)
        for param in graph.params
    ]
    return graph.name, graph.training, graph.force_backward, nodes, params


@pytest.mark.parametrize("old", PAIRS, ids=lambda path: path.stem)
def test_as_caffes_own_tool(old):
    new, _ = upgraded(load_document(old, NetParameter))
    assert new.message == parse_net(old.with_suffix(".upgraded.prototxt"))


def test_there_are_recordings():
    assert {path.stem for path in PAIRS} >= {"v0_deploy", "v1_train"}


@pytest.mark.parametrize(
    ("text", "old"),
    [
        (V0, ["V0 padding layers", "V0 layers", "input fields"]),
        (V1, ["V1 layers", "input fields"]),
        (V2, []),
    ],
    ids=["V0", "V1", "V2"],
)
def test_three_ages_of_one_net(read, text, old):
    document = read(text)
    new, found = upgraded(document)
    assert (new.message, found) == (read(V2).message, old)
    assert upgraded(new) == (new, [])
    assert (new is document) == (not old)


@pytest.mark.parametrize("phase", [TRAIN, TEST])
@pytest.mark.parametrize("text", [V0, V1], ids=["V0", "V1"])
def test_an_old_net_and_its_twin_are_one_graph(read, text, phase):
    state = NetState(phase=phase)
    assert shown(build_graph(read(text), state)) == shown(build_graph(read(V2), state))


@pytest.mark.parametrize(
    ("text", "count"), [(V0, 1), (V1, 1), (V2, 0), ('input: "x" input_dim: [1, 1, 1, 1]', 0)]
)
def test_old_layers_are_remarked_once(read, text, count):
    once = upgrade_net(read(text))
    assert [warning.help for warning in once.warnings] == [
        "it is read as if it were new; `netspec upgrade OLD NEW` writes it so"
    ] * count
    assert upgrade_net(once) is once
    graph = build_graph(once, NetState(phase=TEST))
    assert len([warning for warning in graph.warnings if "old form" in warning.message]) == count


def test_the_remark_points_to_the_first_of_them(read):
    (warning,) = upgrade_net(read(V0)).warnings
    assert (str(warning.span), warning.message) == (
        "net.prototxt:3:1",
        "the net is of Caffe's old form (V0 layers)",
    )


def test_a_net_is_upgraded_as_it_is_loaded_but_not_as_it_is_parsed(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(V1)
    assert len(parse_net(path).layers) == 9
    assert load_net(path).message.layer[1].type == "Convolution"


def test_errors_point_into_the_old_text(graph_of, report):
    text = V1.replace("kernel_size: 3 weight", "kernel_size: 30 weight").replace(
        'bottom: "flat"', 'bottom: "flit"'
    )
    heads = [line for line in report(graph_of, text).splitlines() if ": error: " in line]
    assert [head.partition(" error: ")[0] for head in heads] == ["net.prototxt:5:39:", "net.prototxt:12:49:"]
