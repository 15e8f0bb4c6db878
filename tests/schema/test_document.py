"""Reading, and what a document holds."""

import pytest

from netspec.errors import ParseError
from netspec.schema.document import Document, load_document, parse_net, parse_solver, read_document
from netspec.schema.messages import ClipParameter, LayerParameter, NetParameter, SolverParameter
from netspec.text.source import Source


def test_a_document_of_a_file(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'\xef\xbb\xbfname: "net"\r\nlayer { name: "a" }\r\n')
    document = load_document(path, NetParameter)
    assert document.message == NetParameter(name="net", layer=[LayerParameter(name="a")])
    assert (document.source.name, document.source.path, document.warnings) == (str(path), path, ())
    assert (document.spans.at("name").column, str(document.spans.at("layer", 0, "name"))) == (
        7,
        f"{path}:2:15",
    )


def test_the_parse_functions(tmp_path):
    path = tmp_path / "x.prototxt"
    path.write_text('net: "net.prototxt"')
    assert parse_solver(path) == SolverParameter(net="net.prototxt")
    path.write_text('name: "net"')
    assert parse_net(str(path)) == NetParameter(name="net")


def test_a_message_without_a_text_gets_one():
    message = NetParameter(name="net", layer=[LayerParameter(name="a", top=["x", "y"])])
    document = Document.from_message(message)
    assert document.message == message
    assert (document.source.name, document.source.path) == ("<message>", None)
    assert str(document.spans.at("layer", 0, "top", 1)) == "<message>:5:8"
    assert document.source.line(5) == '  top: "y"'


def test_every_field_of_a_printed_message_has_its_place(random_message):
    document = Document.from_message(random_message(NetParameter, 7), "made up")

    def check(message, spans):
        for field, value in message.ListFields():
            elements = list(value) if hasattr(value, "extend") else [value]
            places = spans.fields[field.name]
            assert len(places) == len(elements)
            for i, element in enumerate(elements):
                line = document.source.line(spans.at(field.name, i).line)
                assert line.lstrip().startswith(field.name)
                if field.message_type is not None:
                    check(element, places[i])

    check(document.message, document.spans)


def test_a_message_without_its_required_fields_is_an_error():
    with pytest.raises(ParseError, match="'ClipParameter' needs a value for 'max'"):
        Document.from_message(ClipParameter(min=0))


def test_errors_can_be_collected():
    document, diagnostics = read_document(Source("t", 'nam: 1\nname: "a"\nname: "b"\nlayer {'), NetParameter)
    assert [(d.severity, d.span.line) for d in diagnostics] == [("error", 1), ("warning", 3), ("error", 4)]
    assert document.message.name == "b"
    assert [warning.span.line for warning in document.warnings] == [3]


def test_errors_raised_leave_out_the_warnings():
    with pytest.raises(ParseError) as caught:
        load_document(Source("t", 'nam: 1\nname: "a"\nname: "b"'), NetParameter)
    assert [diagnostic.message for diagnostic in caught.value.diagnostics] == [
        "unknown field 'nam' in 'NetParameter'"
    ]


def test_a_file_that_cannot_be_read_is_a_diagnostic_too(tmp_path):
    document, (error,) = read_document(tmp_path / "gone.prototxt", NetParameter)
    assert document is None
    assert (error.message, error.file) == ("no such file", str(tmp_path / "gone.prototxt"))


@pytest.mark.parametrize(
    ("text", "message_class", "message"),
    [
        ('net: "a"\nbase_lr: 1', NetParameter, "expected a net, but 'net' is a field of a solver"),
        ('name: "a"\nlayer {}', SolverParameter, "expected a solver, but 'name' is a field of a net"),
    ],
)
def test_a_solver_for_a_net_and_a_net_for_a_solver_are_one_mistake(text, message_class, message):
    document, (error,) = read_document(Source("t", text), message_class)
    assert (error.message, error.span.line, error.span.column) == (message, 1, 1)
    assert document.message == message_class()


def test_a_field_of_a_solver_in_a_net_is_an_unknown_field():
    _, (error,) = read_document(Source("t", 'base_lr: 1\nname: "a"'), NetParameter)
    assert error.message == "unknown field 'base_lr' in 'NetParameter'"
