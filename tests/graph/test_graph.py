"""What a graph tells about a net."""

from __future__ import annotations

import pytest

from netspec.layers.base import DataLayer
from netspec.schema.messages import TRAIN

NET = """name: "small"
layer { name: "draw" type: "DummyData" top: "t" dummy_data_param { shape { dim: 2 dim: 3 } } }
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
layer { name: "side" type: "Power" bottom: "y" top: "b_side" }
layer { name: "cut" type: "Slice" bottom: "y" top: "c_left" top: "a_right"
  slice_param { slice_point: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" loss_weight: 0.5 }
"""


@pytest.fixture
def graph(graph_of):
    return graph_of(NET)


def test_the_net(graph, graph_of):
    assert (graph.name, graph.training, graph.force_backward, graph.warnings) == ("small", False, False, ())
    assert graph_of("force_backward: true", TRAIN).force_backward
    assert graph_of("", TRAIN).training


def test_nodes_stand_in_text_order_and_know_their_lines(graph):
    assert [(node.key, node.span.line) for node in graph.nodes] == [
        ("draw", 2), ("in", 3), ("ip", 4), ("relu", 5), ("side", 6), ("cut", 7), ("loss", 9),
    ]  # fmt: skip


def test_blobs_in_the_order_in_which_they_are_made_with_their_newest_version(graph):
    shapes = {name: blob.shape for name, blob in graph.blobs.items()}
    assert list(shapes.items()) == [
        ("t", (2, 3)), ("x", (2, 4)), ("y", (2, 3)), ("b_side", (2, 3)),
        ("c_left", (2, 1)), ("a_right", (2, 2)), ("loss", ()),
    ]  # fmt: skip
    ip, relu = graph.nodes[2:4]
    assert relu.bottoms == ip.tops
    assert graph.blobs["y"] is relu.tops[0] is not ip.tops[0]


def test_sources_are_fed_or_drawn(graph):
    assert [node.key for node in graph.sources] == ["draw", "in"]
    assert isinstance(graph.sources[0].layer, DataLayer)
    assert [blob.name for blob in graph.inputs] == ["x"]


def test_outputs_are_what_nobody_reads_sorted_by_name(graph):
    assert [blob.name for blob in graph.outputs] == ["a_right", "b_side", "c_left", "loss"]


def test_an_in_place_version_that_nobody_reads_is_an_output(graph_of):
    lines = NET.splitlines()
    assert [blob.name for blob in graph_of("\n".join(lines[:5])).outputs] == ["t", "y"]
    # the older version is read, but the name stands for the newest
    older = "\n".join([*lines[:4], lines[5], lines[4]])
    assert [blob.name for blob in graph_of(older).outputs] == ["b_side", "t", "y"]


def test_an_input_that_nobody_reads_is_an_output(graph_of):
    assert [blob.name for blob in graph_of(NET.splitlines()[2]).outputs] == ["x"]


def test_params_are_named_as_in_the_state_dict(graph):
    assert [(p.name, p.node.key, p.index, p.owner) for p in graph.params] == [
        ("ip.weight", "ip", 0, None),
        ("ip.bias", "ip", 1, None),
    ]


def test_loss_weights_belong_to_blobs(graph):
    assert {blob.name: weight for blob, weight in graph.loss_weights.items()} == {"loss": 0.5}
