"""Binding: the same message that protobuf reads, and every error in its words and place."""

from pathlib import Path

import pytest
from google.protobuf import text_format

from netspec.errors import ParseError
from netspec.schema.binder import bind
from netspec.schema.document import load_document, read_document
from netspec.schema.messages import (
    BlobProto,
    BlobShape,
    ConvolutionParameter,
    Datum,
    FillerParameter,
    LayerParameter,
    NetParameter,
    SolverParameter,
    V1LayerParameter,
)
from netspec.text.diagnostic import render
from netspec.text.parser import parse
from netspec.text.printer import print_message
from netspec.text.source import Source

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
GOLDEN = sorted((ROOT / "tests" / "golden").rglob("*.prototxt"))


def load(text, message_class=NetParameter):
    return load_document(Source("t", text), message_class).message


def report(text, message_class=NetParameter):
    return render(read_document(Source("t", text), message_class)[1])


@pytest.mark.parametrize("message_class", [NetParameter, LayerParameter, SolverParameter, Datum, BlobProto])
@pytest.mark.parametrize("seed", range(40))
def test_binds_and_prints_as_protobuf_does(random_message, message_class, seed):
    message = random_message(message_class, seed)
    ours, theirs = print_message(message), text_format.MessageToString(message)
    assert load(theirs, message_class) == message
    assert load(ours, message_class) == message
    assert text_format.Parse(ours, message_class()) == message


def as_protobuf_reads(path):
    message_class = SolverParameter if "solver" in path.stem else NetParameter
    text = path.read_text()
    try:
        expected = text_format.Parse(text, message_class())
    except text_format.ParseError:
        with pytest.raises(ParseError):
            load(text, message_class)
    else:
        assert load(text, message_class) == expected


def test_there_are_golden_nets():
    assert len(GOLDEN) > 10


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_binds_golden_nets_as_protobuf_does(path):
    as_protobuf_reads(path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published files lie in ../shared, which is absent")
@pytest.mark.parametrize("name", ["stn.prototxt", "stn_solver.prototxt"])
def test_binds_the_published_files_as_protobuf_does(name):
    as_protobuf_reads(SHARED / "blog" / name)


def test_lists():
    layer = load('bottom: ["a", "b" "c"] bottom: [] top: "d" param [{ lr_mult: 1 }, <>]', LayerParameter)
    assert (layer.bottom, layer.top) == (["a", "bc"], ["d"])
    assert [param.HasField("lr_mult") for param in layer.param] == [True, False]


def test_an_empty_block_is_present():
    assert load("pooling_param {}", LayerParameter).HasField("pooling_param")


# text, class, then line, column, message and help of each error
CASES = [
    (
        "kernel_szie: 3",
        ConvolutionParameter,
        "1:1",
        "unknown field 'kernel_szie' in 'ConvolutionParameter'",
        "did you mean 'kernel_size'?",
    ),
    (
        "Kernel_Size: 3",
        ConvolutionParameter,
        "1:1",
        "unknown field 'Kernel_Size' in 'ConvolutionParameter'",
        "did you mean 'kernel_size'?",
    ),
    ("qqq { a: 1 }", ConvolutionParameter, "1:1", "unknown field 'qqq' in 'ConvolutionParameter'", None),
    (
        "layer { num_output: 1 }",
        NetParameter,
        "1:9",
        "unknown field 'num_output' in 'layer'",
        "'num_output' belongs in convolution_param, embed_param, inner_product_param or one of 2 more",
    ),
    (
        "layer { type: 'InnerProduct' num_output: 1 }",
        NetParameter,
        "1:30",
        "unknown field 'num_output' in 'layer'",
        "'num_output' belongs in inner_product_param",
    ),
    (
        "layer { convolution_param { pool: MAX } }",
        NetParameter,
        "1:29",
        "unknown field 'pool' in 'convolution_param'",
        "'pool' belongs in pooling_param or spp_param",
    ),
    (
        "layer { convolution_param { bottom: 'x' } }",
        NetParameter,
        "1:29",
        "unknown field 'bottom' in 'convolution_param'",
        "'bottom' belongs in 'layer' itself, outside 'convolution_param'",
    ),
    ("[a.b]: 1", NetParameter, "1:1", "'[a.b]' is an extension, which nets and solvers do not have", None),
    (
        "[type.googleapis.com/x.Y] { }",
        NetParameter,
        "1:1",
        "'[type.googleapis.com/x.Y]' is an Any value, which nets and solvers do not have",
        None,
    ),
    (
        "num_output: 'x'",
        ConvolutionParameter,
        "1:13",
        "expected an integer for 'num_output', found a string",
        None,
    ),
    (
        "num_output: '20'",
        ConvolutionParameter,
        "1:13",
        "expected an integer for 'num_output', found a string",
        "remove the quotes: 20",
    ),
    (
        "num_output: MAX",
        ConvolutionParameter,
        "1:13",
        "expected an integer for 'num_output', found 'MAX'",
        None,
    ),
    (
        "num_output: 2.50",
        ConvolutionParameter,
        "1:13",
        "expected an integer for 'num_output', found 2.50",
        None,
    ),
    (
        "num_output: 20.0",
        ConvolutionParameter,
        "1:13",
        "expected an integer for 'num_output', found 20.0",
        "write 20",
    ),
    (
        "num_output: { }",
        ConvolutionParameter,
        "1:13",
        "expected an integer for 'num_output', found a block",
        "write num_output: and the value",
    ),
    (
        "num_output: -1",
        ConvolutionParameter,
        "1:13",
        "-1 is out of range for 'num_output': expected 0 to 4294967295",
        None,
    ),
    (
        "num_output: 4294967296",
        ConvolutionParameter,
        "1:13",
        "4294967296 is out of range for 'num_output': expected 0 to 4294967295",
        None,
    ),
    (
        "axis: -2147483649",
        ConvolutionParameter,
        "1:7",
        "-2147483649 is out of range for 'axis': expected -2147483648 to 2147483647",
        None,
    ),
    (
        "dim: 9223372036854775808",
        BlobShape,
        "1:6",
        "9223372036854775808 is out of range for 'dim': expected -9223372036854775808 to 9223372036854775807",
        None,
    ),
    (
        "kernel_size: [3, '3']",
        ConvolutionParameter,
        "1:18",
        "expected an integer for 'kernel_size', found a string",
        "remove the quotes: 3",
    ),
    ("kernel_h: [3]", ConvolutionParameter, "1:11", "'kernel_h' takes a single value, found a list", None),
    (
        "value: '0.5'",
        FillerParameter,
        "1:8",
        "expected a number for 'value', found a string",
        "remove the quotes: 0.5",
    ),
    ("value: abc", FillerParameter, "1:8", "expected a number for 'value', found 'abc'", None),
    ("value: 010", FillerParameter, "1:8", "expected a decimal number for 'value', found 010", None),
    ("value: 0x1", FillerParameter, "1:8", "expected a decimal number for 'value', found 0x1", None),
    (
        "type: xavier",
        FillerParameter,
        "1:7",
        "expected a string for 'type', found 'xavier'",
        'put it in quotes: "xavier"',
    ),
    ("type: 5", FillerParameter, "1:7", "expected a string for 'type', found 5", 'put it in quotes: "5"'),
    (
        r"type: 'a\q'",
        FillerParameter,
        "1:7",
        r"unknown escape '\q' in a string",
        r"a backslash itself is written \\",
    ),
    (
        r"type: '\777'",
        FillerParameter,
        "1:7",
        r"unknown escape '\777' in a string",
        r"a backslash itself is written \\",
    ),
    (
        r"type: '\ud800'",
        FillerParameter,
        "1:7",
        r"unknown escape '\ud800' in a string",
        r"a backslash itself is written \\",
    ),
    (
        r"type: '\UFFFFFFFF'",
        FillerParameter,
        "1:7",
        r"unknown escape '\UFFFFFFFF' in a string",
        r"a backslash itself is written \\",
    ),
    (r"type: '\xff'", FillerParameter, "1:7", "the string for 'type' is not valid UTF-8", None),
    (
        "bias_term: yes",
        ConvolutionParameter,
        "1:12",
        "expected true or false for 'bias_term', found 'yes'",
        None,
    ),
    ("bias_term: 2", ConvolutionParameter, "1:12", "expected true or false for 'bias_term', found 2", None),
    (
        "bias_term: 'true'",
        ConvolutionParameter,
        "1:12",
        "expected true or false for 'bias_term', found a string",
        "remove the quotes: true",
    ),
    (
        "engine: CUDN",
        ConvolutionParameter,
        "1:9",
        "'CUDN' is not a value of 'engine'",
        "did you mean 'CUDNN'? expected DEFAULT, CAFFE or CUDNN",
    ),
    (
        "engine: 9",
        ConvolutionParameter,
        "1:9",
        "9 is not a value of 'engine'",
        "expected DEFAULT, CAFFE or CUDNN",
    ),
    (
        "engine: 'CAFFE'",
        ConvolutionParameter,
        "1:9",
        "expected DEFAULT, CAFFE or CUDNN for 'engine', found a string",
        "remove the quotes: CAFFE",
    ),
    (
        "type: CONVOLUTON",
        V1LayerParameter,
        "1:7",
        "'CONVOLUTON' is not a value of 'type'",
        "did you mean 'CONVOLUTION'?",
    ),
    ("type: QQ", V1LayerParameter, "1:7", "'QQ' is not a value of 'type'", None),
    (
        "weight_filler: 'xavier'",
        ConvolutionParameter,
        "1:16",
        "expected a block for 'weight_filler'",
        "write weight_filler { ... }",
    ),
    ("layer: [{}, 3]", NetParameter, "1:13", "expected a block for 'layer'", "write layer { ... }"),
    (
        "layer {\n  clip_param { max: 6 }\n}",
        NetParameter,
        "2:3",
        "'clip_param' needs a value for 'min'",
        None,
    ),
]


@pytest.mark.parametrize(
    ("text", "message_class", "place", "message", "help"), CASES, ids=[case[0] for case in CASES]
)
def test_errors(text, message_class, place, message, help):
    _, (error,) = read_document(Source("t", text), message_class)
    assert (f"{error.span.line}:{error.span.column}", error.message) == (place, message)
    assert error.severity == "error"
    assert error.help == help


def test_an_error_in_full():
    text = 'layer {\n  type: "Convolution"\n  convolution_param {\n    kernel_szie: 3\n  }\n}\n'
    assert report(text) == (
        "t:4:5: error: unknown field 'kernel_szie' in 'convolution_param'\n"
        "    4 |     kernel_szie: 3\n"
        "      |     ^^^^^^^^^^^\n"
        "   help: did you mean 'kernel_size'?"
    )


def test_a_scalar_given_twice_is_the_last_one_with_a_warning():
    text = 'name: "a"\nname: "b"\n'
    document = load_document(Source("t", text), NetParameter)
    assert document.message.name == "b"
    assert document.spans.at("name").line == 2
    assert render(document.warnings) == (
        "t:2:1: warning: 'name' is given more than once: the last one counts\n"
        '    2 | name: "b"\n'
        "      | ^^^^\n"
        "t:1:7: note: given before here\n"
        '    1 | name: "a"\n'
        "      |       ^^^"
    )


def test_a_block_given_twice_is_merged_with_a_warning():
    text = "pooling_param { stride: 1 pad: 2 }\npooling_param { stride: 3 }\n"
    document = load_document(Source("t", text), LayerParameter)
    param = document.message.pooling_param
    assert (param.stride, param.pad) == (3, 2)
    assert document.spans.at("pooling_param", "stride").line == 2
    assert document.spans.at("pooling_param", "pad").line == 1
    assert [warning.message for warning in document.warnings] == [
        "'pooling_param' is given more than once: the blocks are merged",
        "'stride' is given more than once: the last one counts",
    ]


def test_a_required_field_may_come_from_either_of_two_blocks():
    assert load("clip_param { min: 0 } clip_param { max: 6 }", LayerParameter).clip_param.max == 6


def test_a_required_field_that_is_wrong_is_not_missing_too():
    _, (error,) = read_document(Source("t", "clip_param { min: 'x' max: 1 }"), LayerParameter)
    assert error.message == "expected a number for 'min', found a string"


def test_what_is_right_is_bound_beside_errors():
    text = 'name: "net"\nlayer { nmae: "a" type: "ReLU" top: [1, "b"] }\nlayer { name: "c" }\n'
    document, diagnostics = read_document(Source("t", text), NetParameter)
    assert len(diagnostics) == 2
    assert document.message == NetParameter(
        name="net", layer=[LayerParameter(type="ReLU", top=["b"]), LayerParameter(name="c")]
    )
    assert document.spans.at("layer", 0, "top").column == 41


def test_fields_that_strayed_into_an_open_block_are_not_errors_of_their_own():
    text = 'layer {\n  name: "a"\n  pooling_param {\n    stride: 2\n}\nlayer {\n  name: "b"\n}\n'
    _, (error,) = read_document(Source("t", text), NetParameter)
    assert (error.message, error.span.line) == ("this '{' is never closed", 1)


def test_syntax_and_binding_errors_come_in_the_order_of_the_text():
    text = "layer {\n  nmae: 1\n  top:\n  type: 5\n  name: @\n  clip_param { }\n}\nnaem: 1\n"
    with pytest.raises(ParseError) as caught:
        load(text)
    assert [(d.span.line, d.message) for d in caught.value.diagnostics] == [
        (2, "unknown field 'nmae' in 'layer'"),
        (3, "expected a value after 'top:'"),
        (4, "expected a string for 'type', found 5"),
        (5, "unexpected character '@'"),
        (8, "unknown field 'naem' in 'NetParameter'"),
    ]


def test_columns_count_characters_also_behind_a_mark_and_carriage_returns():
    block, _ = parse(source := Source("t", "name: 'é'\r\nlayer {\r\n  name: 'é' nmae: 1\r\n}\r\n"))
    _, spans, (error,) = bind(block, source, NetParameter)
    assert (error.span.line, error.span.column) == (3, 13)
    assert str(spans.at("layer", "name")) == "t:3:9"


def test_a_text_with_surrogates_is_not_utf8():
    assert "the string for 'name' is not valid UTF-8" in report("name: '\udcff'")
