"""A real run's log, read as Caffe's log tools read one: these are their expressions and rules, in our words.

`tools/extra/parse_log.py` makes a row of each iteration's outputs for training and for tests, with columns
for iteration, seconds, learning rate and each output; `tools/extra/extract_seconds.py` counts the seconds
from the first line with the word "Solving".
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from netspec.cli import main

COLUMNS = ("NumIters", "Seconds", "LearningRate")

ITERATION = re.compile(r"Iteration (\d+)")
TRAIN_OUTPUT = re.compile(r"Train net output #(\d+): (\S+) = ([\.\deE+-]+)")
TEST_OUTPUT = re.compile(r"Test net output #(\d+): (\S+) = ([\.\deE+-]+)")
RATE = re.compile(r"lr = ([-+]?[0-9]*\.?[0-9]+([eE]?[-+]?[0-9]+)?)")


def moment(line):
    """What the tools take for a line's time: month and day in its first word, the clock in its second."""
    words = line.strip().split()
    clock, micro = words[1].rsplit(".", 1)
    hour, minute, second = map(int, clock.split(":"))
    return datetime(2000, int(words[0][1:3]), int(words[0][3:]), hour, minute, second, int(micro))


def rows_of(lines):
    """The rows of training and of tests. A row is complete when it is as wide as the first."""
    lines = iter(lines)
    start = moment(next(line for line in lines if "Solving" in line))
    tables = {TRAIN_OUTPUT: [], TEST_OUTPUT: []}
    iteration, rate = None, float("nan")
    for line in lines:
        if found := ITERATION.search(line):
            iteration = int(found[1])
        if iteration is None:
            continue
        seconds = (moment(line) - start).total_seconds()
        if found := RATE.search(line):
            rate = float(found[1])
        for pattern, rows in tables.items():
            if found := pattern.search(line):
                if not rows or rows[-1]["NumIters"] != iteration:
                    rows.append(dict(zip(COLUMNS, (iteration, seconds, rate), strict=True)))
                rows[-1][found[2]] = float(found[3])
    return list(tables.values())


@pytest.fixture(params=["", "debug_info: true\n", "iter_size: 2\ntest_compute_loss: true\n"])
def logs(request, folder, capsys):
    """What a run writes to stderr, and then one that goes on from its snapshot."""
    solver = Path("solver.prototxt")
    solver.write_text(solver.read_text() + "snapshot: 2\n" + request.param)
    train = ["train", "-solver", "solver.prototxt", "-no-picture"]
    assert main(train) == 0
    first = capsys.readouterr().err
    assert main([*train, "-snapshot", "run_iter_2.solverstate"]) == 0
    return first, capsys.readouterr().err


def test_the_tools_read_our_logs(logs):
    first, second = (rows_of(text.splitlines()) for text in logs)
    for (train, tests), iterations, tested in ((first, [0, 2], [0, 4]), (second, [2], [4])):
        assert [row["NumIters"] for row in train] == iterations
        assert [row["NumIters"] for row in tests] == tested
        assert all(row.keys() == {*COLUMNS, "loss"} for row in train)
        assert all(row.keys() == {*COLUMNS, "accuracy", "loss"} for row in tests)
        seconds = [row["Seconds"] for row in train]
        assert 0 <= seconds[0] <= seconds[-1] < 60
    # An iteration's rate comes after its outputs; so a row has the rate of the one before.
    assert str(first[0][0]["LearningRate"]) == "nan"
    assert first[0][1]["LearningRate"] == first[1][1]["LearningRate"] == 0.01


def test_every_line_has_a_time(logs):
    for line in "".join(logs).splitlines():
        moment(line)


def test_both_runs_in_one_file(logs):
    train, tests = rows_of("".join(logs).splitlines())
    assert [row["NumIters"] for row in train] == [0, 2]
    assert [row["NumIters"] for row in tests] == [0, 4]
