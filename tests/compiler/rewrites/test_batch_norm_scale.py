"""BatchNorm and Scale in one step, in TRAIN."""

from __future__ import annotations

import pytest

from netspec.compiler.rewrites.batch_norm_scale import join_batch_norm_and_scale

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [4, 3, 5, 5] } } }
layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" }
layer { name: "scale" type: "Scale" bottom: "y" top: "z" scale_param { bias_term: true } }
"""


@pytest.mark.parametrize("bias", ["true", "false"])
def test_joined(apply, lowered, bias):
    module = lowered(NET.replace("true", bias), "TRAIN")
    assert apply(join_batch_norm_and_scale, module, 1e-5) == (["bn_scale"], ["bn", "scale"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bias_term: true", "axis: 2"),  # not the channels
        ("bias_term: true", "axis: 0 num_axes: 2"),
        ('top: "y" }', 'top: "y" batch_norm_param { scale_bias: true } }'),  # it has a scale of its own
        ('bottom: "y" top: "z"', 'bottom: "y" bottom: "x" top: "z" scale_param { axis: 0 } } #'),
    ],
)
def test_not_these(apply, lowered, old, new):
    assert apply(join_batch_norm_and_scale, lowered(NET.replace(old, new), "TRAIN"), 1e-5)[1] == []


def test_not_where_somebody_else_reads_what_lies_between(apply, lowered):
    other = 'layer { name: "other" type: "AbsVal" bottom: "y" top: "other" }'
    assert apply(join_batch_norm_and_scale, lowered(NET + other, "TRAIN"), 1e-5)[1] == []
