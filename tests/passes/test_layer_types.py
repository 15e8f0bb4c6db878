"""Layers of a type that nobody computes."""

from __future__ import annotations

import pytest

from netspec.layers.registry import layer_types
from netspec.passes.layer_types import unknown_types
from netspec.text.diagnostic import render


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'layer { name: "a" type: "Relu" }',
            """net.prototxt:1:25: error: unknown layer type 'Relu'
    1 | layer { name: "a" type: "Relu" }
      |                         ^^^^^^
   help: did you mean 'ReLU'? `netspec layers` lists all COUNT""",
        ),
        (
            'layer { name: "a" type: "Zzz" }',
            """net.prototxt:1:25: error: unknown layer type 'Zzz'
    1 | layer { name: "a" type: "Zzz" }
      |                         ^^^^^
   help: `netspec layers` lists all COUNT""",
        ),
        ('layer { name: "a" type: "ReLU" }', ""),
        ('layer { name: "a" }', ""),
    ],
)
def test_what_is_said_of_them(read, text, expected):
    assert render(unknown_types(read(text))) == expected.replace("COUNT", str(len(layer_types())))
