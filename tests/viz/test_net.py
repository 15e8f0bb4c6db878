"""Drawings of nets: each layer once, at its kind's colour, with shapes at the arrows."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import combinations

import pytest

from netspec.errors import NetspecError
from netspec.graph.build import build_graph, fed_phases, net_state
from netspec.layers.registry import layer_types
from netspec.schema.messages import TEST, LayerParameter
from netspec.viz.net import (
    COLOURS,
    detail,
    draw_views,
    is_about_data,
    kind_of,
    merged,
    summary,
    view_of,
    view_without_shapes,
)

SVG = "{http://www.w3.org/2000/svg}"
NET = """
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "loc" type: "InnerProduct" bottom: "conv" top: "theta" inner_product_param { num_output: 6 } }
layer { name: "st" type: "SpatialTransformer" bottom: "conv" bottom: "theta" top: "seen"
  st_param { output_H: 4 output_W: 5 } }
layer { name: "ip" type: "InnerProduct" bottom: "seen" top: "ip" inner_product_param { num_output: 7 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss"
  include { phase: TRAIN } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" include { phase: TEST } }
"""


@pytest.fixture
def views(read):
    """What there is to draw of a text, in all its phases."""

    def make(text):
        document = read(text)
        graphs = (build_graph(document, net_state(document, phase)) for phase in fed_phases(document))
        return merged([view_of(graph) for graph in graphs])

    return make


def drawn(svg):
    """How often each layer is drawn, and all words."""
    root = ET.fromstring(svg)
    ids = Counter(group.get("id") for group in root.iter(f"{SVG}g") if group.get("id"))
    return ids, [text.text for text in root.iter(f"{SVG}text")]


def test_each_layer_is_drawn_once_in_each_phase(views):
    ids, words = drawn(draw_views(views(NET)).svg())
    names = ["data", "label", "conv", "bn", "relu", "loc", "st", "ip"]
    assert ids == Counter([f"{phase}/{name}" for phase in "01" for name in names] + ["0/loss", "1/prob"])
    assert "TRAIN: 9 layers, 2.22 k learnable numbers" in words
    assert "TEST: 9 layers, 2.22 k learnable numbers" in words


def test_in_place_layers_are_strips_of_what_they_change(views):
    (box,) = (box for box in draw_views(views(NET)).drawings[0].boxes if box.key == "conv")
    assert box.lines == ("conv", "Convolution 3x3 pad 1")
    assert [part.texts for part in box.parts] == [("bn", "BatchNorm"), ("relu", "ReLU")]


def test_an_in_place_layer_stands_alone_where_its_bottom_is_read_before_it(views):
    text = NET.replace(
        'layer { name: "relu"',
        """
        layer { name: "early" type: "Pooling" bottom: "conv" top: "early" pooling_param { kernel_size: 2 } }
        layer { name: "relu\"""",
    )
    drawing = draw_views(views(text)).drawings[0]
    assert {"relu", "early"} <= {box.key for box in drawing.boxes}
    pairs = {(edge.tail, edge.head) for edge in drawing.edges}
    assert {("conv", "early"), ("conv", "relu"), ("relu", "loc"), ("relu", "st")} <= pairs
    assert ("conv", "st") not in pairs


def test_shapes_stand_at_the_arrows(views):
    edges = {(edge.tail, edge.head): edge.label for edge in draw_views(views(NET)).drawings[0].edges}
    assert edges[("data", "conv")] == "2x3x8x8"
    assert edges[("conv", "st")] == "2x4x8x8"
    assert edges[("loc", "st")] == "theta 2x6"  # a blob that is not called as its layer
    assert edges[("st", "ip")] == "seen 2x4x4x5"
    (prob,) = (box for box in draw_views(views(NET)).drawings[1].boxes if box.key == "prob")
    assert prob.lines[-1] == "gives 2x7"  # no arrow leads on


def test_spatial_transformers_stand_out(views):
    boxes = {box.key: box for box in draw_views(views(NET)).drawings[0].boxes}
    assert [key for key, box in boxes.items() if box.strong] == ["st"]
    assert boxes["st"].shape == "octagon"
    assert boxes["st"].fill == COLOURS["spatial transformer"]


def test_the_legend_names_the_kinds_that_are_there(views):
    sheet = draw_views(views(NET))
    kinds = ["data", "spatial transformer", "convolution", "fully connected", "activation", "normalisation"]
    assert sheet.legend == {kind: COLOURS[kind] for kind in [*kinds, "loss"]}


def test_colours_differ():
    assert len(set(COLOURS.values())) == len(COLOURS)
    for one, other in combinations(COLOURS.values(), 2):
        distance = sum(
            abs(a - b) for a, b in zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
        )
        assert distance > 12, (one, other)


def test_every_layer_type_has_a_kind():
    kinds = {type: kind_of(type) for type in layer_types()}
    assert set(kinds.values()) <= COLOURS.keys()
    assert {kinds[type] for type in ("Data", "Input", "ClutteredDigits")} == {"data"}
    assert kinds["SoftmaxWithLoss"] == kinds["STLoss"] == "loss"
    assert kinds["SpatialTransformer"] == kinds["ST"] == "spatial transformer"
    assert kind_of("Nothing") == "other"


def test_phases_that_are_the_same_are_drawn_once(views):
    (view,) = views(re.sub(r"include \{[^}]*\}", "", NET))
    assert view.phases == ("TRAIN", "TEST")
    assert view.heading.startswith("TRAIN and TEST: 10 layers")


def test_a_net_for_one_phase(views):
    text = NET.replace('top: "data" input', 'top: "data" include { phase: TEST } input').replace(
        'top: "label" input', 'top: "label" include { phase: TEST } input'
    )
    (view,) = views(text)
    assert view.phases == ("TEST",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('type: "Convolution" convolution_param { kernel_size: 3 }', "Convolution 3x3"),
        (
            'type: "Deconvolution" convolution_param { kernel_h: 4 kernel_w: 2 stride: 2 group: 3 }',
            "Deconvolution 4x2 stride 2 group 3",
        ),
        (
            'type: "Convolution" convolution_param { kernel_size: 3 kernel_size: 5 dilation: 2 '
            "pad_h: 1 pad_w: 0 }",
            "Convolution 3x5 pad 1x0 dilation 2",
        ),
        ('type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }', "Pooling MAX 2x2 stride 2"),
        ('type: "Pooling" pooling_param { pool: AVE global_pooling: true }', "Pooling AVE global"),
        ('type: "Eltwise" eltwise_param { operation: MAX }', "Eltwise MAX"),
        ('type: "Dropout"', "Dropout 0.5"),
        ('type: "SpatialTransformer" st_param { transform_type: "tps" }', "SpatialTransformer tps"),
        ('type: "ReLU"', "ReLU"),
    ],
)
def test_a_layer_in_a_few_words(read, text, words):
    (spec,) = read(f"layer {{ {text} }}").message.layer
    assert isinstance(spec, LayerParameter)
    assert summary(spec) == words


def test_all_there_is_to_know(views):
    view, _ = views(NET)
    conv = next(step for step in view.steps if step.key == "conv")
    known = detail(conv)
    assert known["bottoms"] == [["data", "2x3x8x8"]]
    assert known["params"] == [["weight", "4x3x3x3", 108, "1", "1", ""], ["bias", "4", 4, "1", "1", ""]]
    assert 'name: "conv"' in known["text"]


FED = 'type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } }'
DATA = NET.replace(FED, 'type: "Data" top: "data" data_param { source: "nowhere" batch_size: 2 }')


def test_a_net_without_its_data_is_drawn_without_shapes(read):
    document = read(DATA)
    state = net_state(document, TEST)
    with pytest.raises(NetspecError) as caught:
        build_graph(document, state)
    assert is_about_data(caught.value, document)
    sheet = draw_views([view_without_shapes(document, state)])
    ids, _ = drawn(sheet.svg())
    assert set(ids) == {"data", "label", "conv", "bn", "relu", "loc", "st", "ip", "prob"}
    assert {edge.label for edge in sheet.drawings[0].edges} == {"", "theta", "seen"}


def test_other_mistakes_are_no_want_of_data(read):
    document = read(DATA.replace('bottom: "seen"', 'bottom: "scene"'))
    with pytest.raises(NetspecError) as caught:
        build_graph(document, net_state(document, TEST))
    assert not is_about_data(caught.value, document)


@pytest.mark.parametrize(("name", "layers", "widest"), [("googlenet", 160, 1500), ("resnet152", 672, 700)])
def test_large_nets(views, request, name, layers, widest):
    (view,) = views(request.getfixturevalue(name))
    sheet = draw_views([view])
    ids, _ = drawn(sheet.svg())
    assert len(ids) == layers
    assert set(ids.values()) == {1}
    (drawing,) = sheet.drawings
    layout = drawing.layout
    assert layout.size[0] < widest
    spine = {"googlenet": ["conv1", "pool2", "3a/output", "pool4", "5b/output", "classifier"],
             "resnet152": ["conv1", "pool1", "res2_0", "res4_17_b", "res5_2", "classes"]}[name]  # fmt: skip
    places = [layout.centres[key][0] for key in spine]
    assert max(places) - min(places) < 1
    boxes = [(layout.centres[box.key], box.size) for box in drawing.boxes]
    for ((a, b), (w, h)), ((c, d), (v, g)) in combinations(boxes, 2):
        assert abs(a - c) >= (w + v) / 2 or abs(b - d) >= (h + g) / 2
