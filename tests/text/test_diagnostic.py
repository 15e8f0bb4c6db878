"""The drawing of diagnostics, and their order."""

from netspec.text.diagnostic import Diagnostic, Note, in_text_order, render
from netspec.text.source import Source, Span


def at(text, start, end, message="wrong", **more):
    return Diagnostic(message, Span(Source("t", text), start, end), **more)


def test_everything_in_its_place():
    diagnostic = at("a: 1\n\tb: 2\r\n", 9, 10, help="write 3", notes=(Note("see also"),), severity="warning")
    assert render([diagnostic]) == (
        "t:2:5: warning: wrong\n    2 | \tb: 2\n      | \t   ^\nnote: see also\n   help: write 3"
    )


def test_a_span_over_lines_is_marked_on_its_first():
    assert render([at("ab\ncd", 1, 5)]).splitlines()[1:] == ["    1 | ab", "      |  ^"]


def test_a_span_at_the_end_is_still_marked():
    assert render([at("ab", 2, 2)]).splitlines()[1:] == ["    1 | ab", "      |   ^"]


def test_of_a_long_line_the_part_around_the_span_is_shown():
    lines = render([at("x" * 5000 + "here" + "y" * 5000, 5000, 5004)]).splitlines()
    assert lines[0] == "t:1:5001: error: wrong"
    assert len(lines[1]) == len("    1 | ") + 160
    assert lines[1][lines[2].index("^") :][:4] == "here"
    assert lines[2].count("^") == 4


def test_codes_that_a_terminal_obeys_are_not_shown():
    assert render([at("a\x1b[2J\0", 0, 1)]).splitlines()[1] == "    1 | a\ufffd[2J\ufffd"


def test_without_a_place():
    assert render([Diagnostic("gone", file="x.lmdb"), Diagnostic("odd")]) == "x.lmdb: error: gone\nerror: odd"


def test_order():
    text = "abcdef"
    found = in_text_order([Diagnostic("last"), at(text, 4, 5, "second"), at(text, 1, 2, "first")])
    assert [diagnostic.message for diagnostic in found] == ["first", "second", "last"]


def test_what_the_text_lacks_is_said_without_showing_its_first_line():
    assert render([at("a: 1", 0, 0, "b is missing")]) == "t:1:1: error: b is missing"
