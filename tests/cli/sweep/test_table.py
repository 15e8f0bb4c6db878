"""The table, while a sweep goes on and after it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from netspec.cli.sweep.outcome import Outcome
from netspec.cli.sweep.table import Table


@dataclass(frozen=True)
class Run:
    number: int
    values: dict
    label: str = "it"


RUNS = [Run(number, {"type": f'"a|{number}"'}) for number in (1, 2, 3)]


def outcome(accuracy, **more):
    return Outcome({"accuracy": accuracy, **more}, "accuracy", accuracy, 100, 12.34)


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path / "t.md", "Sweep", RUNS, {"type": "net.layer.x.type"})


def test_it_is_worth_reading_before_the_end(table):
    table.note(RUNS[1], "done", outcome(0.5, loss=1.0))
    table.note(RUNS[0], "failed: no | way")
    table.write()
    assert table.file.read_text() == (
        "# Sweep\n"
        "\n"
        "|   run |       type | accuracy |  loss | iteration |  seconds |            status |\n"
        "| ----: | ---------: | -------: | ----: | --------: | -------: | ----------------: |\n"
        '|     1 |     "a\\|1" |          |       |           |          | failed: no \\| way |\n'
        '| **2** | **"a\\|2"** |  **0.5** | **1** |   **100** | **12.3** |          **best** |\n'
        '|     3 |     "a\\|3" |          |       |           |          |           waiting |\n'
        "\n"
        "- type: `net.layer.x.type`\n"
    )
    with table.csv.open(newline="") as file:
        rows = [*csv.reader(file)]
    assert rows == [
        ["run", "type", "accuracy", "loss", "iteration", "seconds", "status"],
        ["1", '"a|1"', "", "", "", "", "failed: no | way"],
        ["2", '"a|2"', "0.5", "1", "100", "12.3", "best"],
        ["3", '"a|3"', "", "", "", "", "waiting"],
    ]


def test_the_first_of_the_best_is_marked(table):
    assert table.best is None
    for run, accuracy in zip(RUNS, (0.5, 0.75, 0.75), strict=True):
        table.note(run, "done", outcome(accuracy))
    assert table.best is RUNS[1]
    assert table.headline(RUNS[1]) == "it: accuracy = 0.75"


def test_nothing_else_is_left_beside_it(table):
    table.write()
    table.write()
    assert {path.name for path in Path(table.file.parent).iterdir()} == {"t.md", "t.csv"}
