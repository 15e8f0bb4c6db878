"""Names, comments that hold advice back, and that everything is told once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.advice.advise import ADVICE, advise
from netspec.cli import main

ROOT = Path(__file__).parents[2]
RELU = 'layer { name: "relu" type: "ReLU" bottom: "score" top: "score" }'
NAME = "relu-before-loss"
ELSEWHERE = 'bottom: "score" bottom: "label" top: "loss" }'


@pytest.fixture
def net(classified):
    """A net that one advice is for."""
    before, loss, after = classified("", "data").partition('layer { name: "loss"')
    return f"{before}{RELU}\n{loss}{after}"


def test_it_is_told_once_for_both_phases_with_its_name_and_line(net, subject_of):
    (said,) = advise(subject_of(net))
    assert said.severity == "warning"
    assert said.message.endswith(f" [{NAME}]")
    assert said.span.source.line(said.span.line) == RELU
    assert said.help


def test_a_name_holds_it_back(net, subject_of):
    assert advise(subject_of(net), [NAME]) == []
    assert len(advise(subject_of(net), ["zero-start"])) == 1


@pytest.mark.parametrize(
    "comment",
    [
        f"# netspec: ignore[{NAME}]",
        f"#netspec:ignore[{NAME}]",
        f"# We mean it. netspec: ignore[zero-start, {NAME}]",
    ],
)
def test_a_comment_holds_it_back(comment, net, advice_on):
    assert advice_on(net.replace(RELU, f"{RELU}  {comment}")) == []
    assert advice_on(f"{comment}\n{net}") == []
    assert advice_on(f"{net}\n  {comment}") == []


@pytest.mark.parametrize("comment", ["# netspec: ignore[zero-start]", "# ignore[relu-before-loss]", "#"])
def test_other_comments_do_not(comment, net, advice_on):
    assert advice_on(net.replace(RELU, f"{RELU}  {comment}")) == [NAME]
    assert advice_on(f"{comment}\n{net}") == [NAME]


def test_a_comment_at_the_end_of_another_line_does_not(net, advice_on):
    assert advice_on(net.replace(ELSEWHERE, f"{ELSEWHERE}  # netspec: ignore[{NAME}]")) == [NAME]


@pytest.mark.parametrize("flag", [f"-no_advice={NAME}", "--no-advice=all", f"-no_advice=zero-start,{NAME}"])
def test_a_flag_holds_it_back(flag, net, tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(net)
    assert main(["check", flag, str(tmp_path / "net.prototxt")]) == 0
    assert capsys.readouterr().err == ""
    assert main(["check", str(tmp_path / "net.prototxt")]) == 0
    assert f"[{NAME}]" in capsys.readouterr().err


def test_there_is_none_where_there_is_an_error(net, tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(net + 'layer { name: "odd" type: "Silence" bottom: "nothing" }\n')
    assert main(["check", str(tmp_path / "net.prototxt")]) == 1
    assert NAME not in capsys.readouterr().err


def test_each_has_a_section_and_two_cases():
    pages = (ROOT / "netspec/advice/README.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", pages, re.MULTILINE) == [*ADVICE]
    for name in ADVICE:
        page = pages.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert "**Why.**" in page
        assert "**Write instead.**" in page
        case = ROOT / "tests/diagnostics/cases" / f"advice_{name.replace('-', '_')}"
        assert f"[{name}]" in (case / "expected").read_text()
        assert (case.with_name(f"{case.name}_heeded") / "expected").read_text() == "0\n"
