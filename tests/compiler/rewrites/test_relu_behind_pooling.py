"""MAX pooling before ReLU."""

from __future__ import annotations

import pytest

from netspec.compiler.rewrites.relu_behind_pooling import pool_before_relu

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 3, 9, 8] } } }
layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }
layer { name: "pool" type: "Pooling" bottom: "y" top: "z" pooling_param { kernel_size: 3 stride: 2 } }
"""


@pytest.mark.parametrize("param", ["", "pad: 1", "stride: 3", "pad: 1 kernel_size: 2", "round_mode: FLOOR"])
def test_exactly_the_same(apply, lowered, param):
    text = NET.replace("kernel_size: 3 stride: 2", _merged(param))
    assert apply(pool_before_relu, lowered(text), 0) == (["pool", "relu"], ["relu", "pool"])


def test_the_whole_plane(apply, lowered):
    text = NET.replace("kernel_size: 3 stride: 2", "global_pooling: true")
    assert apply(pool_before_relu, lowered(text), 0)[0] == ["pool", "relu"]


def test_past_several(apply, lowered):
    more = 'layer { name: "next" type: "Pooling" bottom: "z" top: "v" pooling_param { kernel_size: 2 } }'
    assert apply(pool_before_relu, lowered(NET + more), 0)[0] == ["pool", "next", "relu"]


@pytest.mark.parametrize(
    "text",
    [
        NET.replace("kernel_size", "pool: AVE kernel_size"),
        NET.replace('top: "z"', 'top: "z" top: "mask"'),
        NET.replace("kernel_size: 3 stride: 2", "kernel_size: 1 stride: 7"),  # a window without input
        NET.replace('top: "y" }', 'top: "y" relu_param { negative_slope: 0.1 } }'),
        NET + 'layer { name: "other" type: "Power" bottom: "y" top: "other" }',
        NET.replace('"z" pooling', '"z" propagate_down: false pooling'),
    ],
)
def test_not_these(apply, lowered, text):
    assert apply(pool_before_relu, lowered(text), 0)[1] == []


def _merged(param):
    settings = {"kernel_size": "3", "stride": "2"}
    words = param.replace(":", "").split()
    settings |= dict(zip(words[::2], words[1::2], strict=True))
    return " ".join(f"{name}: {value}" for name, value in settings.items())
