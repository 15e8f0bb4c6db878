"""The places of fields."""

import pytest

from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.schema.spans import Spans
from netspec.text.source import Source, Span

TEXT = """\
name: "net"
layer {
  name: "data"
  top: ["data", "label"]
}
layer {
  name: "conv"
  param { lr_mult: 1 }
  param { lr_mult: 2 }
  convolution_param {
    num_output: 20
    kernel_size: 5
    weight_filler { type: "xa" "vier" }
  }
}
input_shape [{ dim: 1 }, { dim: [2, 3] }]
"""


@pytest.fixture
def spans():
    return load_document(Source("t", TEXT), NetParameter).spans


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        ((), "", "t:1:1"),
        (("name",), '"net"', "t:1:7"),
        (("layer",), "layer", "t:2:1"),
        (("layer", 1), "layer", "t:6:1"),
        (("layer", -1, "name"), '"conv"', "t:7:9"),
        (("layer", 0, "top"), '"data"', "t:4:9"),
        (("layer", 0, "top", 1), '"label"', "t:4:17"),
        (("layer", "top", 1), '"label"', "t:4:17"),
        (("layer", 1, "param", 1, "lr_mult"), "2", "t:9:20"),
        (("layer", 1, "convolution_param"), "convolution_param", "t:10:3"),
        (("layer", 1, "convolution_param", "num_output"), "20", "t:11:17"),
        (("layer", 1, "convolution_param", 0, "num_output", 0), "20", "t:11:17"),
        (("layer", 1, "convolution_param", "weight_filler", "type"), '"xa" "vier"', "t:13:27"),
        (("input_shape", 1), "{", "t:16:26"),
        (("input_shape", 1, "dim", 1), "3", "t:16:37"),
        # not written: the nearest message around it
        (("layer", 1, "convolution_param", "pad"), "convolution_param", "t:10:3"),
        (("layer", 1, "convolution_param", "bias_filler", "value"), "convolution_param", "t:10:3"),
        (("layer", 1, "param", 7, "lr_mult"), "layer", "t:6:1"),
        (("layer", 1, "name", "nothing"), '"conv"', "t:7:9"),
        (("layer", 2, "name"), "", "t:1:1"),
    ],
)
def test_at(spans, path, text, place):
    span = spans.at(*path)
    assert (TEXT[span.start : span.end], str(span)) == (text, place)


def test_sub(spans):
    conv = spans.sub("layer", 1)
    assert str(conv.at("convolution_param", "kernel_size")) == "t:12:18"
    assert str(spans.sub("layer", 1, "convolution_param", "weight_filler").at("type")) == "t:13:27"


def test_the_sub_of_what_is_not_written_is_empty_at_the_place_around(spans):
    filler = spans.sub("layer", 1, "convolution_param", "bias_filler")
    assert (filler.fields, str(filler.span)) == ({}, "t:10:3")
    assert str(filler.at("value")) == "t:10:3"
    assert (spans.sub("layer", 9).fields, str(spans.sub("layer", 9).span)) == ({}, "t:1:1")


def test_fields_hold_what_was_written(spans):
    fields = spans.sub("layer", 0).fields
    assert {name: len(places) for name, places in fields.items()} == {"name": 1, "top": 2}
    assert isinstance(fields["name"][0], Span)
    assert isinstance(spans.fields["layer"][1], Spans)


def test_placed_keeps_the_place_and_takes_other_fields(spans):
    made = spans.placed({"top": spans.entries["name"]}, "layer", 1)
    assert (str(made.span), str(made.at("top")), str(made.at("name"))) == ("t:6:1", "t:1:7", "t:6:1")
    assert str(spans.placed({}, "name").span) == "t:1:7"
