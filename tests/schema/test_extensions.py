"""Messages that other packages add: declared in Python, written in a net like any other block."""

import copy

import pytest

from netspec.errors import ParseError
from netspec.schema import binder, extensions
from netspec.schema.document import load_document
from netspec.schema.extensions import added_messages, layer_message
from netspec.schema.messages import BlobShape, FillerParameter, NetParameter
from netspec.text.printer import print_message
from netspec.text.source import Source


@pytest.fixture(scope="module", autouse=True)
def probe():
    """One message for all tests here; other tests do not find it."""
    before = dict(extensions._added)
    yield layer_message(
        "probe_param",
        factor=0.1,
        axis=-1,
        quick=True,
        mode='a "b"\n',
        count=int,
        taps=[float],
        filler=FillerParameter,
        shapes=[BlobShape],
    )
    extensions._added.clear()
    extensions._added.update(before)
    binder._plans.cache_clear()


def load(text):
    return load_document(Source("t", text), NetParameter)


def test_reads_what_is_written(probe):
    net = load(
        "layer { probe_param { factor: 3 taps: [1, 2.5] taps: -1e3 quick: false count: 4000000000 "
        'mode: "x" filler { type: "xavier" } shapes { dim: 3 } shapes { } } }'
    ).message
    message = net.layer[0].Extensions[probe]
    assert (message.factor, message.count, message.quick, message.mode) == (3, 4_000_000_000, False, "x")
    assert list(message.taps) == [1, 2.5, -1000]
    assert message.filler.type == "xavier"
    assert [list(shape.dim) for shape in message.shapes] == [[3], []]


def test_defaults(probe):
    (layer,) = load("layer { }").message.layer
    message = layer.Extensions[probe]
    assert not layer.HasExtension(probe)
    assert (message.factor, message.axis, message.quick, message.mode) == (0.1, -1, True, 'a "b"\n')
    assert not message.HasField("count")
    assert list(message.taps) == []
    assert message.filler.type == "constant"


def test_prints_and_parses_back_and_survives_copies(probe):
    net = load('layer { name: "l" probe_param { factor: 0.3 mode: "m" filler { std: 2 } } }').message
    text = print_message(net)
    assert "  probe_param {\n    factor: 0.3\n" in text
    for again in (load(text).message, copy.deepcopy(net), NetParameter.FromString(net.SerializeToString())):
        assert again == net
        assert again.layer[0].Extensions[probe].factor == 0.3


def test_every_field_keeps_its_place(probe):
    document = load('layer { name: "l" probe_param { factor: 3 filler { std: 2 } } }')
    source = document.source.text
    for path, marked in ((("factor",), "3"), (("filler", "std"), "2"), ((), "probe_param")):
        span = document.spans.at("layer", 0, "probe_param", *path)
        assert source[span.start : span.end] == marked


@pytest.mark.parametrize(
    ("layer", "message", "help"),
    [
        ("probe_param { factr: 3 }", "unknown field 'factr' in 'probe_param'", "did you mean 'factor'?"),
        ("prob_param { }", "unknown field 'prob_param' in 'layer'", "did you mean 'probe_param'?"),
        ("factor: 3", "unknown field 'factor' in 'layer'", "'factor' belongs in probe_param"),
        ("probe_param: 3", "expected a block for 'probe_param'", "write probe_param { ... }"),
        (
            'probe_param { axis: "1" }',
            "expected an integer for 'axis', found a string",
            "remove the quotes: 1",
        ),
    ],
)
def test_mistakes_are_told_as_for_any_block(layer, message, help):
    with pytest.raises(ParseError) as caught:
        load(f"layer {{ {layer} }}")
    (found,) = caught.value.diagnostics
    assert (found.message, found.help) == (message, help)


def test_it_is_a_layers_field_alone():
    with pytest.raises(ParseError, match="unknown field 'probe_param' in 'NetParameter'"):
        load("probe_param { }")


def test_the_same_may_be_said_again(probe):
    assert layer_message("other_param", scale=2.0) is layer_message("other_param", scale=2.0)
    assert set(added_messages()) >= {"probe_param", "other_param"}
    numbers = {field.number for field in added_messages().values()}
    assert probe.number in numbers
    assert len(numbers) == len(added_messages())
    assert all(800_000 <= number < 2**29 for number in numbers)


def test_names_are_taken_once():
    with pytest.raises(
        ValueError, match="'probe_param' is already added to LayerParameter, with other fields"
    ):
        layer_message("probe_param", factor=0.2)
    with pytest.raises(ValueError, match="'clip_param' is a field of every layer"):
        layer_message("clip_param", low=0.0)


@pytest.mark.parametrize("kind", [None, 1j, object, [1.0], [int, float], (int,)])
def test_a_field_is_a_default_a_type_or_a_message(kind):
    with pytest.raises(
        TypeError, match="field 'odd' is neither a default value nor a type nor a message class"
    ):
        layer_message("odd_param", odd=kind)
    assert "odd_param" not in added_messages()
