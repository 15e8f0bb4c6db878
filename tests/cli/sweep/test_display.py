"""The bars at a terminal."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from netspec.cli.sweep.display import Bars, display
from netspec.schema.setting import read_setting
from netspec.solver.sweep import plan


@pytest.fixture
def runs(folder):
    return plan("solver.prototxt", [read_setting("base_lr=1,2")])


def test_a_bar_for_each_run_at_work(runs, tmp_path):
    events = tmp_path / "events.jsonl"
    events.write_text('{"event": "displayed", "iteration": 3, "loss": 9.0}\n')  # of an earlier process
    file = StringIO()
    console = Console(file=file, force_terminal=True, width=100)
    columns = [TextColumn("{task.description}"), MofNCompleteColumn(), BarColumn()]
    columns.append(TextColumn("{task.fields[loss]}"))
    with Progress(*columns, console=console) as progress:
        bars = Bars(progress, 2)
        bars.begin(runs[0], events)
        with events.open("a") as more:
            more.write(json.dumps({"event": "displayed", "iteration": 2, "loss": 0.125}) + '\n{"event')
        bars.look()
        progress.refresh()
        bars.write("[bold] a line")
        bars.end(runs[0])
        bars.end(runs[1])
    shown = file.getvalue()
    for part in ("base_lr=1", "2/4", "loss 0.125", "[bold] a line", "all runs", "2/2"):
        assert part in shown
    assert "loss 9" not in shown


def test_lines_alone_where_nobody_watches(runs, tmp_path, capsys):
    with display(2) as shown:
        shown.begin(runs[0], tmp_path / "events.jsonl")
        shown.look()
        shown.write("a line")
        shown.end(runs[0])
    assert capsys.readouterr().err == "a line\n"
