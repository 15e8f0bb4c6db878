"""Layers of 2014."""

from __future__ import annotations

import pytest

from netspec.layers.registry import find_layer
from netspec.passes.v1_layers import v1_to_v2
from netspec.schema.document import Document, load_document
from netspec.schema.messages import LayerParameter, NetParameter, V1LayerParameter
from netspec.text.source import Source

BLOCKS = sorted(name for name in V1LayerParameter.DESCRIPTOR.fields_by_name if name.endswith("_param"))


def net(text):
    return load_document(Source("expected", text), NetParameter).message


@pytest.mark.parametrize("name", sorted(set(V1LayerParameter.LayerType.keys()) - {"NONE"}))
def test_each_type_has_a_layer_of_that_name(read, name):
    (layer,) = v1_to_v2(read(f"layers {{ type: {name} }}")).message.layer
    cls = find_layer(layer.type)
    assert cls is not None
    spelled = layer.type.replace("SoftmaxWithLoss", "SoftmaxLoss").upper()
    assert spelled == name.replace("_", "")


def test_none_is_an_empty_type(read):
    (layer,) = v1_to_v2(read("layers { type: NONE }")).message.layer
    assert (layer.HasField("type"), layer.type) == (True, "")
    assert not v1_to_v2(read('layers { name: "x" }')).message.layer[0].HasField("type")


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_goes_over_even_if_it_is_empty(block):
    spec = V1LayerParameter()
    getattr(spec, block).SetInParent()
    (layer,) = v1_to_v2(Document.from_message(NetParameter(layers=[spec]))).message.layer
    assert [field.name for field, _ in layer.ListFields()] == [block]


def test_what_a_block_holds_goes_over(read):
    blocks = (
        "convolution_param { num_output: 2 pad: [1, 2] weight_filler { std: 3 } } "
        'dummy_data_param { shape { dim: [4, 5] } } transform_param { mean_value: [1, 2] mean_file: "m" }'
    )
    assert v1_to_v2(read(f"layers {{ {blocks} }}")).message == net(f"layer {{ {blocks} }}")


def test_names_rules_blobs_and_weights_stay(read):
    fields = (
        'name: "n" bottom: "a" bottom: "b" top: "c" include { phase: TRAIN stage: "s" } '
        "exclude { min_level: 1 } loss_weight: 0.5 loss_weight: 2 blobs { num: 1 data: [3, 4] } blobs { }"
    )
    document = read(f"layers {{ type: SLICE {fields} }}")
    before = document.message.SerializeToString()
    upgraded = v1_to_v2(document)
    assert upgraded.message == net(f'layer {{ type: "Slice" {fields} }}')
    assert v1_to_v2(upgraded) is upgraded
    assert document.message.SerializeToString() == before


@pytest.mark.parametrize(
    ("lists", "blocks"),
    [
        ("", ""),
        ("blobs_lr: 1", "param { lr_mult: 1 }"),
        (
            "blobs_lr: [1, 2] weight_decay: [1, 0]",
            "param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }",
        ),
        ("weight_decay: [3, 4]", "param { decay_mult: 3 } param { decay_mult: 4 }"),
        ('param: "w"', 'param { name: "w" }'),
        ('param: "" param: "b" blobs_lr: 1', 'param { name: "" lr_mult: 1 } param { name: "b" }'),
        (
            "blob_share_mode: [PERMISSIVE, STRICT]",
            "param { share_mode: PERMISSIVE } param { share_mode: STRICT }",
        ),
        (
            'param: "w" blob_share_mode: [STRICT, PERMISSIVE] blobs_lr: [1, 2, 3] weight_decay: [4, 5, 6, 7]',
            'param { name: "w" share_mode: STRICT lr_mult: 1 decay_mult: 4 } '
            "param { share_mode: PERMISSIVE lr_mult: 2 decay_mult: 5 } "
            "param { lr_mult: 3 decay_mult: 6 } param { decay_mult: 7 }",
        ),
    ],
)
def test_lists_of_factors_become_param_blocks(read, lists, blocks):
    upgraded = v1_to_v2(read(f'layers {{ name: "x" {lists} }}'))
    assert upgraded.message == net(f'layer {{ name: "x" {blocks} }}')


def test_the_net_around_the_layers_stays(read):
    around = 'name: "n" input: "a" input_dim: 1 state { level: 2 } force_backward: true debug_info: true '
    assert v1_to_v2(read(around + "layers { }")).message == net(around + "layer { }")


def test_a_net_without_such_layers_stays(read):
    document = read('name: "n" layer { name: "x" }')
    assert v1_to_v2(document) is document


def test_all_keeps_its_place(read):
    text = """name: "n"
layers { name: "a" }
layers { name: "b" type: RELU
  blobs_lr: 1 blobs_lr: 2
  weight_decay: 3
  relu_param { negative_slope: 1 } }
"""
    spans = v1_to_v2(read(text)).spans
    paths = [
        ("name",),
        ("layer", 0, "name"),
        ("layer", 1),
        ("layer", 1, "type"),
        ("layer", 1, "param", 0),
        ("layer", 1, "param", 1),
        ("layer", 1, "param", 1, "lr_mult"),
        ("layer", 1, "param", 0, "decay_mult"),
        ("layer", 1, "relu_param", "negative_slope"),
    ]
    assert [(spans.at(*path).line, spans.at(*path).column) for path in paths] == [
        (1, 7), (2, 16), (3, 1), (3, 26), (4, 13), (4, 25), (4, 25), (5, 17), (6, 32),
    ]  # fmt: skip


def test_both_forms_in_one_net(read, report):
    assert report(v1_to_v2, read('layer { name: "new" }\nlayers { name: "old" }')) == (
        """NetError
net.prototxt:2:1: error: the net has both 'layer' and the old 'layers'
    2 | layers { name: "old" }
      | ^^^^^^
net.prototxt:1:1: note: 'layer' is here
    1 | layer { name: "new" }
      | ^^^^^
   help: Caffe would drop every 'layer': write all of them in one form
"""
    )


def test_every_field_of_v1_has_its_like_today():
    elsewhere = {"param", "blob_share_mode", "blobs_lr", "weight_decay", "type", "layer"}
    for field in V1LayerParameter.DESCRIPTOR.fields:
        if field.name not in elsewhere:
            today = LayerParameter.DESCRIPTOR.fields_by_name[field.name]
            assert (today.message_type, today.type) == (field.message_type, field.type), field.name
