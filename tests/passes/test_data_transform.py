"""What old data layers say of their images."""

from __future__ import annotations

import pytest

from netspec.passes.data_transform import idle_transforms, move_data_transform
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.diagnostic import render
from netspec.text.source import Source

ALL = 'scale: 0.5 mean_file: "m" crop_size: 9 mirror: false'
LAYERS = {"DATA": "data_param", "IMAGE_DATA": "image_data_param", "WINDOW_DATA": "window_data_param"}


def net(text):
    return load_document(Source("expected", text), NetParameter).message


@pytest.mark.parametrize(("type", "block"), LAYERS.items())
@pytest.mark.parametrize("fields", [ALL, *(f"{name}: 1" for name in ("scale", "crop_size")), "mirror: true"])
def test_the_fields_move(read, type, block, fields):
    document = read(f'layers {{ type: {type} {block} {{ source: "s" {fields} batch_size: 2 }} }}')
    before = document.message.SerializeToString()
    moved = move_data_transform(document)
    expected = (
        f'layers {{ type: {type} {block} {{ source: "s" batch_size: 2 }} transform_param {{ {fields} }} }}'
    )
    assert moved.message == net(expected)
    assert move_data_transform(moved) is moved
    assert document.message.SerializeToString() == before


def test_they_go_over_what_is_there(read):
    text = "layers { type: DATA data_param { scale: 0.5 } transform_param { scale: 2 force_gray: true } }"
    (layer,) = move_data_transform(read(text)).message.layers
    assert (layer.transform_param.scale, layer.transform_param.force_gray) == (0.5, True)


def test_once_one_moves_all_data_layers_get_the_block(read):
    text = (
        "layers { type: DATA data_param { mirror: true } } layers { type: IMAGE_DATA } layers { type: RELU }"
    )
    _, images, relu = move_data_transform(read(text)).message.layers
    assert (images.HasField("transform_param"), images.HasField("image_data_param")) == (True, True)
    assert not relu.HasField("transform_param")


@pytest.mark.parametrize(
    "text",
    [
        "layers { type: DATA data_param { batch_size: 2 } transform_param { scale: 2 } }",
        "layers { type: RELU data_param { scale: 2 } }",
        "layers { data_param { scale: 2 } }",
        'layer { type: "Data" data_param { scale: 2 } }',
    ],
)
def test_nets_without_them_stay(read, text):
    document = read(text)
    assert move_data_transform(document) is document


def test_they_keep_their_places(read):
    text = (
        "layers { type: DATA\n  data_param { batch_size: 1 scale: 2 }\n  transform_param { mirror: true } }"
    )
    spans = move_data_transform(read(text)).spans.sub("layers", 0)
    paths = [("transform_param",), ("transform_param", "mirror"), ("transform_param", "scale"),
             ("data_param", "batch_size"), ("data_param", "scale")]  # fmt: skip
    assert [(spans.at(*path).line, spans.at(*path).column) for path in paths] == [
        (3, 3), (3, 29), (2, 37), (2, 28), (2, 3),
    ]  # fmt: skip
    made = move_data_transform(read("layers { type: DATA\n  data_param { scale: 2 } }")).spans
    assert made.at("layers", 0, "transform_param").line == 2


def test_in_a_layer_of_today_they_are_idle(read):
    text = """layer { name: "d" type: "Data" data_param { batch_size: 2 mirror: true } }
layer { name: "i" type: "ImageData" image_data_param { scale: 2 } transform_param { scale: 3 } }
layer { name: "r" type: "ReLU" data_param { scale: 2 } }
layer { name: "w" type: "WindowData" window_data_param { batch_size: 2 scale: 2 } }
layer { name: "v" type: "WindowData" window_data_param { mirror: true } }
"""
    assert render(idle_transforms(read(text))) == (
        """net.prototxt:1:67: warning: layer 'd': 'mirror' has no effect in data_param
    1 | layer { name: "d" type: "Data" data_param { batch_size: 2 mirror: true } }
      |                                                                   ^^^^
   help: write transform_param { mirror: ... }
net.prototxt:2:63: warning: layer 'i': 'scale' has no effect in image_data_param
    2 | layer { name: "i" type: "ImageData" image_data_param { scale: 2 } transform_param { scale: 3 } }
      |                                                               ^
   help: write transform_param { scale: ... }
net.prototxt:5:66: warning: layer 'v': 'mirror' has no effect in window_data_param
    5 | layer { name: "v" type: "WindowData" window_data_param { mirror: true } }
      |                                                                  ^^^^
   help: write transform_param { mirror: ... }"""
    )
