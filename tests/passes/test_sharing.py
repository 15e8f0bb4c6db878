"""Which blobs are one and the same."""

from __future__ import annotations

import pytest

from netspec.passes.sharing import BlobRef, share_params
from netspec.text.diagnostic import render


def shared(read, *params):
    """One layer per argument, with these param blocks."""
    sharing, errors = share_params(read("".join(f"layer {{ {blocks} }}\n" for blocks in params)))
    return sharing, render(errors)


def test_blobs_of_one_name_belong_to_the_first(read):
    sharing, errors = shared(
        read,
        'param { name: "w" } param { name: "b" }',
        'param { } param { name: "w" }',
        "",
        'param { name: "b" } param { name: "w" }',
    )
    w, b = BlobRef(0, 0), BlobRef(0, 1)
    assert sharing.owner == {BlobRef(1, 1): w, BlobRef(3, 0): b, BlobRef(3, 1): w}
    assert sharing.factors.keys() == {w, b}
    assert errors == ""


def test_blobs_of_one_layer_may_share(read):
    sharing, _ = shared(read, 'param { name: "w" } param { name: "w" }')
    assert sharing.owner == {BlobRef(0, 1): BlobRef(0, 0)}


@pytest.mark.parametrize(
    ("first", "second", "lr_mult", "decay_mult"),
    [
        ("lr_mult: 2", "", 2, 1),
        ("", "lr_mult: 2", 2, 1),
        ("lr_mult: 2", "decay_mult: 0", 2, 0),
        ("lr_mult: 2", "lr_mult: 2", 2, 1),
        ("", "", 1, 1),
    ],
)
def test_a_factor_may_be_given_by_any_of_the_sharers(read, first, second, lr_mult, decay_mult):
    sharing, errors = shared(read, f'param {{ name: "w" {first} }}', f'param {{ name: "w" {second} }}')
    factors = sharing.factors[BlobRef(0, 0)]
    assert (factors.lr_mult, factors.decay_mult, errors) == (lr_mult, decay_mult, "")


def test_factors_that_contradict_each_other(read):
    _, errors = shared(
        read,
        'param { name: "w" }',
        'param { name: "w" lr_mult: 2 }',
        'param { lr_mult: 9 } param { name: "w" lr_mult: 0.5 decay_mult: 1 }',
    )
    assert errors == (
        """net.prototxt:3:57: error: shared param 'w' has lr_mult 0.5 here and 2 elsewhere
    3 | layer { param { lr_mult: 9 } param { name: "w" lr_mult: 0.5 decay_mult: 1 } }
      |                                                         ^^^
net.prototxt:1:9: note: first named here
    1 | layer { param { name: "w" } }
      |         ^^^^^
   help: a shared blob has one lr_mult: give it once"""
    )


def test_the_given_message_stays(read):
    document = read('layer { param { name: "w" } }\nlayer { param { name: "w" lr_mult: 2 } }')
    before = document.message.SerializeToString()
    share_params(document)
    assert document.message.SerializeToString() == before
