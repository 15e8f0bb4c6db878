"""The net-level inputs of old deploy files."""

from __future__ import annotations

import pytest

from netspec.passes.inputs import inputs_to_layer
from netspec.schema.messages import LayerParameter

SHAPES = """name: "n"
input: "a"
input: "b"
input_shape { dim: 2 dim: 3 }
input_shape { dim: 4 }
layer { name: "r" type: "ReLU" bottom: "a" top: "r" }
"""
DIMS = """name: "n"
input: "a"
input: "b"
input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4
input_dim: 5 input_dim: 6 input_dim: 7 input_dim: 8
layer { name: "r" type: "ReLU" bottom: "a" top: "r" }
"""


@pytest.mark.parametrize(("text", "shapes"), [(SHAPES, [[2, 3], [4]]), (DIMS, [[1, 2, 3, 4], [5, 6, 7, 8]])])
def test_inputs_become_the_first_layer(read, text, shapes):
    net = inputs_to_layer(read(text)).message
    made = LayerParameter(
        name="input",
        type="Input",
        top=["a", "b"],
        input_param={"shape": [{"dim": shape} for shape in shapes]},
    )
    assert list(net.layer) == [made, read(text).message.layer[0]]
    assert [list(field) for field in (net.input, net.input_shape, net.input_dim)] == [[], [], []]


def test_the_made_layer_points_into_the_text(read):
    document = inputs_to_layer(read(SHAPES))
    places = [document.spans.at("layer", 0, *path) for path in [(), ("top", 1), ("input_param", "shape", 1)]]
    assert [(place.line, place.column) for place in places] == [(2, 8), (3, 8), (5, 1)]
    assert document.spans.at("layer", 1, "name").line == 6


@pytest.mark.parametrize("text", [SHAPES, DIMS, 'layer { name: "r" type: "ReLU" }'])
def test_twice_is_once(read, text):
    document = read(text)
    before = document.message.SerializeToString()
    once = inputs_to_layer(document)
    assert inputs_to_layer(once) is once
    assert document.message.SerializeToString() == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'input: "a"\ninput_shape { dim: 1 }\ninput_dim: 1\n',
            """NetError
net.prototxt:3:12: error: both input_shape and input_dim are given
    3 | input_dim: 1
      |            ^
   help: keep one
""",
        ),
        (
            'input: "a" input: "b"\n  input_shape { dim: 1 }\n',
            """NetError
net.prototxt:2:3: error: expected 2 input_shape, one for each input, but there are 1
    2 |   input_shape { dim: 1 }
      |   ^^^^^^^^^^^
""",
        ),
        (
            'input: "a"\ninput_dim: 1 input_dim: 2 input_dim: 3\n',
            """NetError
net.prototxt:2:12: error: expected 4 input_dim, 4 for each input, but there are 3
    2 | input_dim: 1 input_dim: 2 input_dim: 3
      |            ^
   help: or give one input_shape { dim: ... } for each input
""",
        ),
        (
            'name: "n" input: "a"\n',
            """NetError
net.prototxt:1:18: error: expected 4 input_dim, 4 for each input, but there are 0
    1 | name: "n" input: "a"
      |                  ^^^
   help: or give one input_shape { dim: ... } for each input
""",
        ),
        (
            "input_dim: 1\n",
            """NetError
net.prototxt:1:12: error: input_dim without an input
    1 | input_dim: 1
      |            ^
   help: name the blob: input: "data"
""",
        ),
        (
            "input_shape { dim: 1 }\n",
            """NetError
net.prototxt:1:1: error: input_shape without an input
    1 | input_shape { dim: 1 }
      | ^^^^^^^^^^^
   help: name the blob: input: "data"
""",
        ),
    ],
)
def test_shapes_that_do_not_pair_up(read, report, text, expected):
    assert report(inputs_to_layer, read(text)) == expected
