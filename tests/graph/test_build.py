"""From a net to its graph, and what is said of one that has none."""

from __future__ import annotations

import pytest

from netspec.errors import DataError, NetError, NetspecError, ShapeError
from netspec.graph.build import load_net
from netspec.layers.registry import layer_types
from netspec.schema.messages import TEST, TRAIN
from netspec.text.source import Source

IN = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }\n'


def ip(name, bottom="x", top=None, fields="", num_output=3):
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{top or name}"\n'
        f"  inner_product_param {{ num_output: {num_output} }}\n  {fields} }}\n"
    )


def factors(graph):
    return {param.name: (param.lr_mult, param.decay_mult) for param in graph.params}


# Params ---------------------------------------------------------------------------------------------------


def test_multipliers(graph_of):
    graph = graph_of(IN + ip("a", fields="param { lr_mult: 2 decay_mult: 0 } param { lr_mult: 0 }") + ip("b"))
    assert factors(graph) == {
        "a.weight": (2, 0), "a.bias": (0, 1), "b.weight": (1, 1), "b.bias": (1, 1),
    }  # fmt: skip


def test_a_shared_blob_names_its_owner_and_takes_its_factors(graph_of):
    first = 'param { name: "w" decay_mult: 0 }'
    graph = graph_of(IN + ip("a", fields=first) + ip("b", fields='param { name: "w" lr_mult: 3 }'))
    a, _, b, _ = graph.params
    assert (a.owner, b.owner) == (None, a)
    assert factors(graph)["a.weight"] == factors(graph)["b.weight"] == (3, 0)


def test_permissive_sharing_goes_by_the_count(graph_of):
    owner = IN + ip("a", fields='param { name: "w" }', num_output=2)
    one = 'layer { name: "one" type: "Slice" bottom: "x" top: "l" top: "r" }\n'
    graph = graph_of(
        owner + one + ip("b", "l", fields='param { name: "w" share_mode: PERMISSIVE }', num_output=4)
    )
    assert [tuple(p.node.layer.blobs[p.index].shape) for p in graph.params if p.owner] == [(4, 2)]


def test_sharing_is_strict_about_shapes(graph_of, report):
    text = IN + ip("a", fields='param { name: "w" }') + ip("b", fields='param { name: "w" }', num_output=6)
    assert report(graph_of, text) == (
        """NetError
net.prototxt:7:3: error: layer 'b' (InnerProduct): shares blob 'w' of shape [6, 4] with layer 'a', """
        """where its shape is [3, 4]: the shape must be the same
    7 |   param { name: "w" } }
      |   ^^^^^
   help: share_mode: PERMISSIVE allows another shape with as many elements
"""
    )


def test_permissive_sharing_is_strict_about_counts(graph_of, report):
    second = ip("b", fields='param { name: "w" share_mode: PERMISSIVE }', num_output=6)
    assert report(graph_of, IN + ip("a", fields='param { name: "w" }') + second) == (
        """NetError
net.prototxt:7:3: error: layer 'b' (InnerProduct): shares blob 'w' of shape [6, 4] with layer 'a', """
        """where its shape is [3, 4]: the element count must be the same
    7 |   param { name: "w" share_mode: PERMISSIVE } }
      |   ^^^^^
"""
    )


def test_a_param_block_without_a_blob(graph_of, report):
    assert report(graph_of, IN + ip("a", fields="param { } param { } param { }")) == (
        """NetError
net.prototxt:4:23: error: layer 'a' (InnerProduct): has 2 blobs, but 3 param blocks
    4 |   param { } param { } param { } }
      |                       ^^^^^
"""
    )


# Losses and gradients -------------------------------------------------------------------------------------

LABELLED = IN + 'layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 dim: 4 } } }\n'


@pytest.mark.parametrize(
    ("fields", "weights"),
    [
        ('type: "EuclideanLoss" bottom: "x" bottom: "t" top: "y"', (1.0,)),
        ('type: "EuclideanLoss" bottom: "x" bottom: "t"', (1.0,)),
        ('type: "EuclideanLoss" bottom: "x" bottom: "t" loss_weight: 0', (0.0,)),
        ('type: "Power" bottom: "x" top: "y"', (0.0,)),
        ('type: "Power" bottom: "x" top: "y" loss_weight: 2', (2.0,)),
        ('type: "Slice" bottom: "x" top: "y" top: "z" loss_weight: 0 loss_weight: 3', (0.0, 3.0)),
        ('type: "Silence" bottom: "x"', ()),
    ],
)
def test_loss_weights(graph_of, fields, weights):
    assert graph_of(f'{LABELLED} layer {{ name: "l" {fields} }}').nodes[-1].loss_weights == weights


def test_a_loss_weight_for_each_top_or_none(graph_of, report):
    text = IN + 'layer { name: "l" type: "Slice" bottom: "x" top: "y" top: "z"\n  loss_weight: 1 }'
    assert report(graph_of, text) == (
        """NetError
net.prototxt:3:16: error: layer 'l' (Slice): has 2 tops, but 1 loss_weight
    3 |   loss_weight: 1 }
      |                ^
   help: give one loss_weight for each top, or none
"""
    )


def test_a_weighted_top_is_not_changed_in_place(graph_of, report):
    power = 'layer { name: "p" type: "Power" bottom: "x" top: "y" loss_weight: 1 }\n'
    relu = 'layer { name: "r" type: "ReLU" bottom: "y" top: "y" }\n'
    assert report(graph_of, IN + power + relu) == (
        """NetError
net.prototxt:2:67: error: layer 'p' (Power): top 'y' has a loss weight, but a layer below changes it in place
    2 | layer { name: "p" type: "Power" bottom: "x" top: "y" loss_weight: 1 }
      |                                                                   ^
   help: give the top of that layer a name of its own
"""
    )


def test_propagate_down(graph_of, report):
    layer = 'layer { name: "l" type: "Eltwise" bottom: "x" bottom: "t" top: "y" %s }'
    assert graph_of(LABELLED + layer % "").nodes[-1].propagate_down == (True, True)
    given = layer % "propagate_down: true propagate_down: false"
    assert graph_of(LABELLED + given).nodes[-1].propagate_down == (True, False)
    assert report(graph_of, LABELLED + layer % "propagate_down: false") == (
        """NetError
net.prototxt:3:84: error: layer 'l' (Eltwise): has 2 bottoms, but 1 propagate_down
    3 | layer { name: "l" type: "Eltwise" bottom: "x" bottom: "t" top: "y" propagate_down: false }
      |                                                                                    ^^^^^
   help: give one propagate_down for each bottom, or none
"""
    )


# Names ----------------------------------------------------------------------------------------------------


def test_a_second_layer_of_one_name_gets_a_key_of_its_own_and_a_warning(graph_of):
    graph = graph_of(IN + ip("a", top="p") + ip("a", top="q") + ip("a", top="r"))
    assert [node.key for node in graph.nodes] == ["in", "a", "a_2", "a_3"]
    assert [(str(warning.span), warning.message) for warning in graph.warnings] == [
        ("net.prototxt:5:15", "a second layer is named 'a'; its blobs go by 'a_2'"),
        ("net.prototxt:8:15", "a second layer is named 'a'; its blobs go by 'a_3'"),
    ]
    assert {warning.severity for warning in graph.warnings} == {"warning"}


def test_layers_without_blobs_or_names_share_a_name_in_silence(graph_of):
    relu = 'layer { %s type: "ReLU" bottom: "x" top: "x" }\n'
    graph = graph_of(IN + relu % "" + relu % "" + relu % 'name: "r"' + relu % 'name: "r"')
    assert [node.key for node in graph.nodes] == ["in", "relu", "relu_2", "r", "r_2"]
    assert graph.warnings == ()


def test_warnings_about_the_text_come_along_in_text_order(graph_of):
    graph = graph_of(
        IN + ip("a") + ip("a", top="b") + 'layer { name: "r" name: "s" type: "Silence" bottom: "b" }'
    )
    assert [str(warning.span) for warning in graph.warnings] == ["net.prototxt:5:15", "net.prototxt:8:19"]


# Phases ---------------------------------------------------------------------------------------------------


def test_the_phase_chooses_layers_and_their_mode(graph_of):
    two = f'{IN} layer {{ name: "d" type: "Dropout" bottom: "x" top: "x" include {{ phase: TRAIN }} }}'
    assert [node.key for node in graph_of(two, TEST).nodes] == ["in"]
    node = graph_of(two, TRAIN).nodes[1]
    assert (node.key, node.layer.training) == ("d", True)


def test_old_inputs_and_unnamed_losses_are_understood(graph_of):
    graph = graph_of(
        'input: "x" input: "t" input_shape { dim: 2 dim: 4 } input_shape { dim: 2 dim: 4 }\n'
        'layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "t" }'
    )
    assert list(graph.blobs) == ["x", "t", "l"]


# Reports --------------------------------------------------------------------------------------------------

WRONG = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "a" type: "InerProduct" bottom: "x" top: "a" }
layer { name: "a2" type: "ReLU" bottom: "a" top: "a2" }
layer { name: "a3" type: "Eltwise" bottom: "a2" bottom: "xx" top: "a3" }
layer { name: "b" type: "ReLU" bottom: "x" bottom: "x" top: "b" }
layer { name: "c" type: "InnerProduct" bottom: "x" top: "c"
  param { name: "w" lr_mult: 1 } inner_product_param { num_output: 2 } }
layer { name: "d" type: "InnerProduct" bottom: "x" top: "c"
  param { name: "w" lr_mult: 2 } inner_product_param { num_output: 5 } }
"""


def test_all_errors_come_in_one_report_in_text_order_and_none_follows_from_another(graph_of, report):
    assert report(graph_of, WRONG) == (
        """NetError
net.prototxt:2:25: error: unknown layer type 'InerProduct'
    2 | layer { name: "a" type: "InerProduct" bottom: "x" top: "a" }
      |                         ^^^^^^^^^^^^^
   help: did you mean 'InnerProduct'? `netspec layers` lists all COUNT
net.prototxt:4:57: error: layer 'a3' reads blob 'xx', which no layer above it makes
    4 | layer { name: "a3" type: "Eltwise" bottom: "a2" bottom: "xx" top: "a3" }
      |                                                         ^^^^
   help: the blobs made above it are 'x', 'a', 'a2'
net.prototxt:5:52: error: layer 'b' (ReLU): takes 1 bottom, not 2
    5 | layer { name: "b" type: "ReLU" bottom: "x" bottom: "x" top: "b" }
      |                                                    ^^^
net.prototxt:8:57: error: layer 'd' makes blob 'c' a second time
    8 | layer { name: "d" type: "InnerProduct" bottom: "x" top: "c"
      |                                                         ^^^
net.prototxt:6:57: note: layer 'c' makes it here
    6 | layer { name: "c" type: "InnerProduct" bottom: "x" top: "c"
      |                                                         ^^^
   help: give one of the two another name, or let include { phase: ... } keep them apart
net.prototxt:9:3: error: layer 'd' (InnerProduct): shares blob 'w' of shape [5, 4] with layer 'c', """
        """where its shape is [2, 4]: the shape must be the same
    9 |   param { name: "w" lr_mult: 2 } inner_product_param { num_output: 5 } }
      |   ^^^^^
   help: share_mode: PERMISSIVE allows another shape with as many elements
net.prototxt:9:30: error: shared param 'w' has lr_mult 2 here and 1 elsewhere
    9 |   param { name: "w" lr_mult: 2 } inner_product_param { num_output: 5 } }
      |                              ^
net.prototxt:7:3: note: first named here
    7 |   param { name: "w" lr_mult: 1 } inner_product_param { num_output: 2 } }
      |   ^^^^^
   help: a shared blob has one lr_mult: give it once
""".replace("COUNT", str(len(layer_types())))
    )


def test_a_shape_error_names_the_layer_its_bottoms_and_the_rule(graph_of, report):
    other = 'layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 dim: 5 } } }\n'
    add = 'layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "t" top: "y" }\n'
    assert report(graph_of, IN + other + add) == (
        """ShapeError
net.prototxt:3:57: error: layer 'sum' (Eltwise) on x 2x4, t 2x5: all bottoms must have the same shape
    3 | layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "t" top: "y" }
      |                                                         ^^^
"""
    )


@pytest.mark.parametrize("phase", [TRAIN, TEST])
def test_an_empty_net_is_a_net(graph_of, phase):
    graph = graph_of("", phase)
    assert (graph.nodes, graph.blobs, graph.outputs) == ((), {}, [])


MISSING = 'layer { name: "img" type: "ImageData" top: "i" top: "l" image_data_param { source: "%s" } }\n'


def test_an_error_keeps_its_class_unless_others_stand_beside_it(graph_of, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    no_images = MISSING % (tmp_path / "empty.txt").as_posix()
    misfit = (
        ip("a", "x", num_output=2) + 'layer { name: "s" type: "Eltwise" bottom: "x" bottom: "a" top: "s" }\n'
    )
    for text, error in [
        (no_images, DataError),
        (IN + misfit, ShapeError),
        (IN + no_images + misfit, NetError),
    ]:
        with pytest.raises(NetspecError) as caught:
            graph_of(text)
        assert type(caught.value) is error


def test_what_is_wrong_with_the_text_and_with_its_types_is_said_together(report):
    text = 'layer { name: "a" type: "Relu" }\nlayer { nam: "b" }\nlayer { name: "c" type: "Polling" }'
    lines = report(load_net, Source("net.prototxt", text)).splitlines()
    assert lines[0] == "ParseError"
    assert [line.partition(" error: ")[0] for line in lines if " error: " in line] == [
        "net.prototxt:1:25:", "net.prototxt:2:9:", "net.prototxt:3:25:",
    ]  # fmt: skip
