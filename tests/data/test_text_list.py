import pytest

from netspec.data.text_list import TextList
from netspec.errors import DataError


def _list(path, content):
    path.write_bytes(content)
    return TextList(path, "image list", "a line `path label` per image")


def test_lines_are_stripped_and_know_their_place(tmp_path):
    lines = _list(tmp_path / "l.txt", b"\n  a b \r\n\t\nc\xff 1")
    assert lines.lines == ["a b", "c\udcff 1"]
    spans = [lines.span(0), lines.span(1), lines.span(0, 2), lines.span(1, 3, 1)]
    assert [lines.source.text[span.start : span.end] for span in spans] == ["a b", "c\udcff 1", "b", "1"]
    assert [(span.line, span.column) for span in spans] == [(2, 3), (4, 1), (2, 5), (4, 4)]


def test_the_mark_of_windows_is_no_part_of_a_name(tmp_path):
    lines = _list(tmp_path / "l.txt", b"\xef\xbb\xbfa 1\r\nb 2\r\n")
    assert lines.lines == ["a 1", "b 2"]
    assert lines.span(0).column == 1


@pytest.mark.parametrize("content", [b"", b" \n\r\n"])
def test_empty(tmp_path, content):
    with pytest.raises(DataError, match=r"l\.txt: error: the image list is empty\n.*`path label`"):
        _list(tmp_path / "l.txt", content)


def test_unreadable(tmp_path):
    with pytest.raises(DataError, match="cannot read the image list"):
        TextList(tmp_path, "image list", "")
