"""Each syntax error in its words and place, and what is still understood after it."""

import pytest

from netspec.text.diagnostic import render
from netspec.text.parser import parse
from netspec.text.source import Source


def report(text):
    return render(parse(Source("t", text))[1])


def names(text):
    return [field.name.text for field in parse(Source("t", text))[0].fields]


# text, (line, column, message) of each error, names of the root's fields that are left
CASES = [
    ("a 5\nb: 1", [(1, 1, "expected ':' after 'a'")], ["a", "b"]),
    ("a MAX\nb: 1", [(1, 1, "expected ':' after 'a'")], ["a", "b"]),
    ("a = 5\nb: 1", [(1, 3, "expected ':' after 'a', found '='")], ["a", "b"]),
    ("a\nb: 1", [(1, 1, "expected ':' and a value, or a block, after 'a'")], ["b"]),
    ("b: 1 a", [(1, 6, "expected ':' and a value, or a block, after 'a'")], ["b"]),
    ("c { a }\nb: 1", [(1, 5, "expected ':' and a value, or a block, after 'a'")], ["c", "b"]),
    ("a, b: 1", [(1, 1, "expected ':' and a value, or a block, after 'a'")], ["b"]),
    ("a:\nb: 1", [(1, 1, "expected a value after 'a:'")], ["b"]),
    ("a:\nb { }", [(1, 1, "expected a value after 'a:'")], ["b"]),
    ("c { a: }\nb: 1", [(1, 5, "expected a value after 'a:'")], ["c", "b"]),
    ("b: 1 a:", [(1, 6, "expected a value after 'a:'")], ["b"]),
    ("a:; b: 1", [(1, 1, "expected a value after 'a:'")], ["b"]),
    ("a:: 1 b: 1", [(1, 3, "expected a value after 'a:', found ':'")], ["a", "b"]),
    ("a: 1 2\nb: 1", [(1, 6, "expected a field name, found '2'")], ["a", "b"]),
    ("a: 1,, b: 1", [(1, 6, "expected a field name, found ','")], ["a", "b"]),
    ("; b: 1", [(1, 1, "expected a field name, found ';'")], ["b"]),
    ("5: 3 x\nb: 1", [(1, 1, "expected a field name, found '5'")], ["b"]),
    ("'a': 3\nb: 1", [(1, 1, "expected a field name, found ''a''")], ["b"]),
    ("{ a: 1\n c: 2 }\nb: 1", [(1, 1, "expected a field name before '{'")], ["b"]),
    ("a: 'x' 'y' 5\nb: 1", [(1, 12, "expected a field name, found '5'")], ["a", "b"]),
    ("a: 5 { c: 1\n }\nb: 1", [(1, 6, "expected a field name before '{'")], ["a", "b"]),
    ("a { c: 1\nb: 1", [(1, 3, "this '{' is never closed")], ["a"]),
    ("a < c: 1\nb: 1", [(1, 3, "this '<' is never closed")], ["a"]),
    ("a { c {", [(1, 7, "this '{' is never closed"), (1, 3, "this '{' is never closed")], ["a"]),
    ("a { c: 1 }}\nb: 1", [(1, 11, "this '}' closes nothing")], ["a", "b"]),
    ("> b: 1", [(1, 1, "this '>' closes nothing")], ["b"]),
    ("a { c: 1 > b: 1", [(1, 10, "expected '}', found '>'")], ["a", "b"]),
    ("a: [1 2 3] b: 1", [(1, 7, "expected ',' or ']' before '2'")], ["a", "b"]),
    ("a: [X Y] b: 1", [(1, 7, "expected ',' or ']' before 'Y'")], ["a", "b"]),
    ("a: [1] 5\nb: 1", [(1, 8, "expected a field name, found '5'")], ["a", "b"]),
    ("a { } 5\nb: 1", [(1, 7, "expected a field name, found '5'")], ["a", "b"]),
    ("[x] 5\nb: 1", [(1, 1, "expected ':' after '[x]'")], ["[x]", "b"]),
    ("a: [1; 2] b: 1", [(1, 6, "expected ',' or ']' before ';'")], ["a", "b"]),
    ("a [{} {}] b: 1", [(1, 7, "expected ',' or ']' before '{'")], ["a", "b"]),
    ("a: [1, 2\nb: 1", [(1, 4, "this '[' is never closed")], ["b"]),
    ("a: [1,\nb: 1", [(1, 4, "this '[' is never closed")], ["b"]),
    ("c { a: [1, }\nb: 1", [(1, 8, "this '[' is never closed")], ["c", "b"]),
    ("a: [", [(1, 4, "this '[' is never closed")], []),
    ("a: [1,] b: 1", [(1, 6, "expected a value after ','")], ["a", "b"]),
    ("a: [1,,2] b: 1", [(1, 7, "expected a value before ','")], ["a", "b"]),
    ("a: [1, [2, 3]] b: 1", [(1, 8, "expected a value, found '['")], ["b"]),
    ("a: [@,\n 2] b: 1", [(1, 5, "unexpected character '@'")], ["b"]),
    ("[a: 3\nb: 1", [(1, 1, "expected a field name, found '['")], []),
    ("[a: 3]\nb: 1", [(1, 1, "expected a field name, found '['")], ["b"]),
    ('a: "x\nb: 1', [(1, 4, "unterminated string")], ["b"]),
    ("a: 'x\\'\nb: 1", [(1, 4, "unterminated string")], ["b"]),
    ("a: 12abc\nb: 1", [(1, 4, "malformed number '12abc'")], ["b"]),
    ("a: 09\nb: 1", [(1, 4, "malformed number '09'")], ["b"]),
    ("a: 1.2.3\nb: 1", [(1, 4, "malformed number '1.2.3'")], ["b"]),
    ("a: -x\nb: 1", [(1, 4, "malformed number '-x'")], ["b"]),
    ("a: x-1\nb: 1", [(1, 4, "malformed name 'x-1'")], ["b"]),
    ("a: data/x.txt\nb: 1", [(1, 4, "expected a value, found 'data/x.txt'")], ["b"]),
    ("a data/x.txt\nb: 1", [(1, 3, "expected a value, found 'data/x.txt'")], ["b"]),
    ("a.b: 1\nb: 1", [(1, 1, "expected a field name, found 'a.b'")], ["b"]),
    ("a: /x\nb: 1", [(1, 4, "unexpected character '/'")], ["b"]),
    ("@ x: 1\nb: 1", [(1, 1, "unexpected character '@'")], ["b"]),
    ("a: é\nb: 1", [(1, 4, "unexpected character 'é'")], ["b"]),
    ("a: \0\nb: 1", [(1, 4, "unexpected character U+0000")], ["b"]),
]


@pytest.mark.parametrize(("text", "errors", "left"), CASES, ids=[ascii(case[0]) for case in CASES])
def test_an_error_costs_a_field_at_most(text, errors, left):
    found = parse(Source("t", text))[1]
    assert [(error.span.line, error.span.column, error.message) for error in found] == errors
    assert names(text) == left


def test_a_missing_value_is_shown_where_it_is_missing():
    text = "layer {\n  convolution_param {\n    kernel_size:\n    stride: 1\n  }\n}\n"
    assert report(text) == (
        "t:3:5: error: expected a value after 'kernel_size:'\n"
        "    3 |     kernel_size:\n"
        "      |     ^^^^^^^^^^^^"
    )


def test_an_open_block_is_shown_at_its_brace():
    assert report("layer {\n  param {\n  }\n") == (
        "t:1:7: error: this '{' is never closed\n    1 | layer {\n      |       ^"
    )


def test_the_wrong_brace_is_shown_with_the_opening_one():
    assert report("a {\n  b: 1\n>\n") == (
        "t:3:1: error: expected '}', found '>'\n"
        "    3 | >\n"
        "      | ^\n"
        "t:1:3: note: the block begins here\n"
        "    1 | a {\n"
        "      |   ^"
    )


def test_an_unterminated_string_says_how_to_end_it():
    assert report('layer {\n  type: "Conv\n}') == (
        "t:2:9: error: unterminated string\n"
        '    2 |   type: "Conv\n'
        "      |         ^^^^^\n"
        '   help: close it with " on the same line'
    )


def test_a_bare_path_wants_quotes():
    assert report("source: data/train.txt") == (
        "t:1:9: error: expected a value, found 'data/train.txt'\n"
        "    1 | source: data/train.txt\n"
        "      |         ^^^^^^^^^^^^^^\n"
        "   help: text is written in quotes"
    )


def test_all_errors_of_a_text_come_at_once():
    text = (
        'name "net"\nlayer {\n  top:\n  type: "ReLU\n  param { lr_mult = 1 }\n  pad: [1 2]\n}\n}\nname: @\n'
    )
    lines = [error.span.line for error in parse(Source("t", text))[1]]
    assert lines == [1, 3, 4, 5, 6, 8, 9]


def test_reading_ends_after_twenty_errors():
    errors = parse(Source("t", "a:\n" * 100))[1]
    assert len(errors) == 21
    assert errors[-1].message == "too many errors: the rest of the text was not read"


def test_the_parser_itself_closes_what_the_text_leaves_open():
    block, _ = parse(Source("t", "a { b { } c: 1"))
    a = block.fields[0].value
    assert [field.name.text for field in a.fields] == ["b", "c"]
    assert not a.is_closed
    assert a.fields[0].value.is_closed
