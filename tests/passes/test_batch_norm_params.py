"""BatchNorm layers of early 2016, which had to say something of their statistics."""

from __future__ import annotations

import pytest

from netspec.passes.batch_norm_params import freeze_statistics

ZERO = "lr_mult: 0 decay_mult: 0"


@pytest.mark.parametrize(
    "params",
    [
        ["", "", ""],
        ["lr_mult: 1", "lr_mult: 1", "lr_mult: 1"],
        ["lr_mult: 0", "lr_mult: 0", "lr_mult: 0"],
        [ZERO, ZERO, 'name: "shared" decay_mult: 2'],
    ],
)
def test_three_blocks_are_frozen(read, params):
    blocks = " ".join(f"param {{ {param} }}" for param in params)
    text = f'layer {{ type: "BatchNorm" {blocks} }}'
    document = read(text)
    frozen = freeze_statistics(document)
    assert [(p.lr_mult, p.decay_mult, p.HasField("lr_mult"), p.HasField("decay_mult"))
            for p in frozen.message.layer[0].param] == [(0, 0, True, True)] * 3  # fmt: skip
    assert [param.name for param in frozen.message.layer[0].param] == [
        param.name for param in document.message.layer[0].param
    ]
    assert freeze_statistics(frozen) is frozen
    assert document.message == read(text).message


@pytest.mark.parametrize(
    "layer",
    [
        'type: "BatchNorm"',
        'type: "BatchNorm" param { lr_mult: 1 }',
        'type: "BatchNorm" param { lr_mult: 1 } param { } param { } param { } param { }',
        'type: "Scale" param { lr_mult: 1 } param { } param { }',
        f'type: "BatchNorm" param {{ {ZERO} }} param {{ {ZERO} }} param {{ {ZERO} }}',
    ],
)
def test_all_others_stay(read, layer):
    document = read(f"layer {{ {layer} }}")
    assert freeze_statistics(document) is document


def test_such_a_layer_compiles(compile_text):
    text = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 3, 4, 4] } } }
layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y"
  param { lr_mult: 1 } param { } param { lr_mult: 2 } }
"""
    net = compile_text(text, phase="TRAIN")
    assert [(param.lr_mult, param.decay_mult) for param in net.graph.params] == [(0, 0)] * 3
