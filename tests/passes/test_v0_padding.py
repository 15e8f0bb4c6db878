"""Padding layers of V0 nets."""

from __future__ import annotations

import pytest

from netspec.passes.v0_padding import fold_padding
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source

HEAD = 'input: "data"\n'
PAD = 'layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "data" top: "padded" }\n'
CONV = 'layers { layer { name: "c" type: "conv" num_output: 3 %s } bottom: "%s" top: "c" }\n'
POOL = 'layers { layer { name: "p" type: "pool" kernelsize: 3 %s } bottom: "%s" top: "p" }\n'


def net(text):
    return load_document(Source("expected", text), NetParameter).message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PAD + CONV % ("", "padded"), CONV % ("pad: 2", "data")),
        (PAD + POOL % ("", "padded"), POOL % ("pad: 2", "data")),
        (
            PAD + CONV % ("", "padded") + POOL % ("", "padded"),
            CONV % ("pad: 2", "data") + POOL % ("pad: 2", "data"),
        ),
        (PAD + CONV % ("pad: 7", "padded"), CONV % ("pad: 2", "data")),
        (PAD.replace("pad: 2", "") + CONV % ("", "padded"), CONV % ("pad: 0", "data")),
        (PAD + CONV % ("", "data"), CONV % ("", "data")),
        (PAD, ""),
    ],
    ids=["conv", "pool", "two readers", "over the reader's own", "without a width", "not read", "alone"],
)
def test_padding_goes_to_its_readers(read, old, new):
    document = read(HEAD + old)
    before = document.message.SerializeToString()
    folded = fold_padding(document)
    assert folded.message == net(HEAD + new)
    assert fold_padding(folded) is folded
    assert document.message.SerializeToString() == before


def test_a_blob_is_what_the_last_layer_made_of_it(read):
    relu = 'layers { layer { name: "r" type: "relu" } bottom: "data" top: "padded" }\n'
    text = HEAD + PAD + relu + CONV % ("", "padded")
    assert fold_padding(read(text)).message == net(HEAD + relu + CONV % ("", "padded"))


@pytest.mark.parametrize(
    "text", [HEAD, CONV % ("", "data"), 'layers { type: RELU bottom: "a" top: "a" }', ""]
)
def test_nets_without_padding_stay(read, text):
    document = read(text)
    assert fold_padding(document) is document


def test_what_is_folded_points_to_the_padding(read):
    folded = fold_padding(read(HEAD + PAD + CONV % ("", "padded")))
    places = [
        folded.spans.at("layers", 0, *path)
        for path in [("layer", "pad"), ("bottom",), ("layer", "num_output")]
    ]
    assert [str(place) for place in places] == ["net.prototxt:2:51", "net.prototxt:2:63", "net.prototxt:3:53"]


TWO = 'bottom: "data" bottom: "padded"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            PAD + PAD.replace('"data"', '"padded"'),
            "layer 'pad' (padding) reads padding layer 'pad': only conv and pool can",
        ),
        (
            PAD + CONV.replace('bottom: "%s"', TWO) % "",
            "layer 'c' reads padding layer 'pad', and so takes 1 bottom, not 2",
        ),
        (
            PAD.replace('"data"', '"data" top: "more"') + CONV % ("", "padded"),
            "padding layer 'pad' takes 1 bottom and 1 top, not 1 and 2",
        ),
    ],
)
def test_padding_that_cannot_be_folded(read, report, text, message):
    assert message in report(fold_padding, read(HEAD + text))
