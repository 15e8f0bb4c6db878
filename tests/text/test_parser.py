"""The whole of protobuf's text format, and text that is none."""

from pathlib import Path
from random import Random
from time import perf_counter

import pytest

from netspec.errors import ParseError
from netspec.text.parser import parse, read_source
from netspec.text.source import Source
from netspec.text.syntax import Block, List, Strings, Token

NET = """\
name: "net"  # a comment
layer {
  name: 'conv' type: "Convolution" bottom: "data", top: "conv";
  param { lr_mult: 1 } param < lr_mult: 2.5e-1 >
  convolution_param: { num_output: 20 kernel_size: [5, 0x5] pad: - 1 weight_filler { type: "a" "b" } }
}
"""


def shape(value):
    """A tree as plain Python: texts of tokens, tuples of adjacent strings, lists, and dicts for blocks."""
    match value:
        case Token():
            return value.text
        case Strings():
            return tuple(part.text for part in value.parts)
        case List():
            return [shape(item) for item in value.items]
        case Block():
            return {field.name.text: shape(field.value) for field in value.fields}


def tree(text):
    block, errors = parse(Source("t", text))
    assert errors == []
    return shape(block)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("  # only a comment", {}),
        ("a: 1", {"a": "1"}),
        ("a:1 b:2", {"a": "1", "b": "2"}),
        ("a: 1, b: 2; c: 3,", {"a": "1", "b": "2", "c": "3"}),
        ("a { b: 1 }, c < d: 2 >;", {"a": {"b": "1"}, "c": {"d": "2"}}),
        ("a: { } b: < >", {"a": {}, "b": {}}),
        ("a { b < c { } > }", {"a": {"b": {"c": {}}}}),
        (
            "a: [] b: [1] c: [1, -2.5, X, 'y' \"z\"]",
            {"a": [], "b": ["1"], "c": ["1", "-2.5", "X", ("'y'", '"z"')]},
        ),
        ("a: [{ b: 1 }, < b: 2 >] c [{}]", {"a": [{"b": "1"}, {"b": "2"}], "c": [{}]}),
        ('a: "x" \'y\' # why\n "z" b: 1', {"a": ('"x"', "'y'", '"z"'), "b": "1"}),
        (r"""a: "\"\\" b: '\'' """, {"a": r'"\"\\"', "b": r"'\''"}),
        ("a: 0x1F b: -0XaB c: 017 d: 0", {"a": "0x1F", "b": "-0XaB", "c": "017", "d": "0"}),
        ("a: - 5 b: -\n#x\n5", {"a": "- 5", "b": "-\n#x\n5"}),
        (
            "a: .5 b: 5. c: 1e5 d: 1.5E-3f e: 2F",
            {"a": ".5", "b": "5.", "c": "1e5", "d": "1.5E-3f", "e": "2F"},
        ),
        ("a: inf b: -Infinity c: nan d: -NaN", {"a": "inf", "b": "-Infinity", "c": "nan", "d": "-NaN"}),
        ("[a.b.c]: 1 [x] { y: 2 }", {"[a.b.c]": "1", "[x]": {"y": "2"}}),
        ("[type.googleapis.com/x.Y] { z: 1 }", {"[type.googleapis.com/x.Y]": {"z": "1"}}),
        ("[my-host.com/x.Y]: < >", {"[my-host.com/x.Y]": {}}),
        ("\ufeffa: 1", {"a": "1"}),
        ("a: 1\r\nb {\r\n}\r\n", {"a": "1", "b": {}}),
        ("a: 'é # \t'", {"a": "'é # \t'"}),
        ("a\n:\n1", {"a": "1"}),
    ],
)
def test_the_text_format(text, expected):
    assert tree(text) == expected


def test_tokens_know_their_place():
    block, _ = parse(Source("t", 'a: 1\n  b { c: "x" "yz" }'))
    inner = block.fields[1].value
    assert (block.fields[0].value.start, block.fields[0].value.end) == (3, 4)
    assert (inner.opening.start, inner.closing.start) == (9, 23)
    assert (inner.fields[0].value.start, inner.fields[0].value.end) == (14, 22)


def test_nesting_up_to_the_limit():
    assert parse(Source("t", "a{" * 100 + "}" * 100))[1] == []
    *_, error = parse(Source("t", "a{" * 101 + "}" * 101))[1]
    assert (error.message, error.span.column) == ("blocks are nested too deeply", 202)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000,
        "a{" * 100_000,
        "a{" * 100_000 + "}" * 100_000,
        "a:[" * 100_000,
        "a:[{" * 100_000,
        "5 {" * 100_000,
        "\0" * 1_000_000,
        "@#$%\n" * 200_000,
        '"' + "a" * 1_000_000,
        "a: '\\" * 100_000,
        "a:\n" * 100_000,
        "a\n" * 100_000,
        "a: -" + "\n" * 500_000,
        "a.b" * 100_000,
        "a: 1" + "0" * 500_000 + "x",
        "\x1b[2J\ud800\u2028\x85",
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_hostile_text_ends_soon_in_errors(text):
    start = perf_counter()
    _, errors = parse(Source("t", text))
    assert 1 <= len(errors) <= 21
    assert len(str(ParseError(errors))) < 20_000
    assert perf_counter() - start < 5


def test_mutated_nets_give_errors_with_places():
    random = Random(1)
    pieces = [
        "{",
        "}",
        "<",
        ">",
        "[",
        "]",
        ":",
        ",",
        ";",
        '"',
        "'",
        "\\",
        "-",
        ".",
        "#",
        "\n",
        "1",
        "x",
        "\0",
        "é",
        "=",
    ]
    for _ in range(1500):
        text = NET
        for _ in range(random.randint(1, 6)):
            at = random.randrange(len(text))
            text = text[:at] + random.choice(pieces) + text[at + random.randint(0, 3) :]
        tree, errors = parse(Source("t", text))
        assert isinstance(tree, Block)
        assert all(error.span is not None and error.span.start <= len(text) for error in errors)


def test_a_file_is_read_under_the_name_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: @\r\n")
    source = read_source("net.prototxt")
    assert (source.name, source.path, source.text) == (
        "net.prototxt",
        Path("net.prototxt"),
        "a: 1\r\nb: @\r\n",
    )
    (error,) = parse(source)[1]
    assert str(ParseError([error])).splitlines()[:3] == [
        "net.prototxt:2:4: error: unexpected character '@'",
        "    2 | b: @",
        "      |    ^",
    ]


def test_a_missing_file(tmp_path):
    (tmp_path / "lenet.prototxt").touch()
    path = tmp_path / "lenett.prototxt"
    with pytest.raises(ParseError) as caught:
        read_source(path)
    assert (
        str(caught.value)
        == f"{path}: error: no such file\n   help: did you mean '{tmp_path / 'lenet.prototxt'}'?"
    )


def test_a_missing_folder(tmp_path):
    with pytest.raises(ParseError, match=r"no such file\n   help: the folder '.*gone' cannot be listed"):
        read_source(tmp_path / "gone" / "net.prototxt")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ParseError) as caught:
        read_source(str(tmp_path))
    assert str(caught.value) == f"{tmp_path}: error: is a folder\n   help: name a file in it"


def test_a_path_that_no_system_has():
    with pytest.raises(ParseError, match="cannot be read: embedded null"):
        read_source("a\0b")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_text_that_is_not_utf8(tmp_path, mark):
    path = tmp_path / "net.prototxt"
    path.write_bytes(mark + 'name: "é"\n'.encode() + b'a: "\xe9"\n')
    with pytest.raises(ParseError) as caught:
        read_source(path)
    assert str(caught.value).splitlines() == [
        f"{path}:2:5: error: byte 0xe9 is not UTF-8",
        '    2 | a: "\ufffd"',
        "      |     ^",
        "   help: save the file as UTF-8; a binary file, such as a .caffemodel, is not read as text",
    ]
