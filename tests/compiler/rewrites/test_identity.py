"""Removing layers that hand on what they get."""

from __future__ import annotations

import pytest

from netspec.compiler.rewrites.identity import remove_identities

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }
layer { name: "split" type: "Split" bottom: "x" top: "a" top: "b" }
layer { name: "drop" type: "Dropout" bottom: "a" top: "a" }
layer { name: "square" type: "Power" bottom: "a" top: "c" power_param { power: 2 } }
layer { name: "same" type: "Power" bottom: "b" top: "d" }
layer { name: "one" type: "Concat" bottom: "d" top: "e" }
layer { name: "sum" type: "Eltwise" bottom: "c" bottom: "e" top: "f" }
layer { name: "copy" type: "Split" bottom: "f" top: "g" top: "h" }
layer { name: "twice" type: "Power" bottom: "h" top: "h" power_param { scale: 2 } }
layer { name: "hush" type: "Silence" bottom: "h" }
"""


def test_in_test(apply, lowered):
    left, removed = apply(remove_identities, lowered(NET))
    assert left == ["square", "sum", "twice"]
    assert removed == ["split", "drop", "same", "one", "copy", "hush"]


def test_dropout_stays_in_training(apply, lowered):
    left, _ = apply(remove_identities, lowered(NET, "TRAIN"))
    assert left == ["drop", "square", "sum", "twice"]


@pytest.mark.parametrize(("param", "stays"), [("dropout_ratio: 0", False), ("scale_train: false", True)])
def test_what_dropout_does_in_test_depends(apply, lowered, param, stays):
    text = NET.replace('top: "a" }\nlayer { name: "square"', f'top: "a" dropout_param {{ {param} }} }}\n'
                       'layer { name: "square"')  # fmt: skip
    assert ("drop" in apply(remove_identities, lowered(text))[0]) == stays


def test_an_output_that_is_an_input(apply, lowered):
    text = NET.splitlines()[1] + '\nlayer { name: "s" type: "Split" bottom: "x" top: "y" top: "z" }'
    assert apply(remove_identities, lowered(text)) == ([], ["s"])
