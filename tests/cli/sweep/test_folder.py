"""A run's folder: what is kept in it, and what goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.cli.sweep.folder import RunFolder
from netspec.cli.sweep.lock import held
from netspec.cli.sweep.outcome import Outcome
from netspec.errors import NetspecError
from netspec.schema.setting import read_setting
from netspec.solver.sweep import plan

OUTCOME = Outcome({"accuracy": 0.5}, "accuracy", 0.5, 4, 1.5)


@pytest.fixture
def made(folder):
    """The folder of a run with a value and flags."""

    def made(setting="base_lr=1", command=""):
        (run,) = plan("solver.prototxt", [read_setting(setting)])
        return RunFolder(Path("runs/it"), run, command)

    return made


def prepare(folder):
    return folder.prepare(pytest.fail)


def test_the_same_texts_are_gone_on_with(made):
    assert prepare(made()) == "new"
    assert prepare(made()) == "begun"
    assert made().outcome() is None
    assert made().solver.read_text().startswith("# netspec train -solver runs/it/solver.prototxt\n")


@pytest.mark.parametrize("change", ["value", "flag", "net"])
def test_other_texts_are_begun_anew(made, change):
    folder = made()
    prepare(folder)
    for name in ("outcome.json", "events.jsonl", "log.txt", "snapshot_iter_4.solverstate", "mine.md"):
        (folder.path / name).write_text("...")
    if change == "net":
        Path("net.prototxt").write_text(Path("net.prototxt").read_text().replace("xavier", "gaussian"))
    flags = " -engine=eager" if change == "flag" else ""
    other = made("base_lr=2" if change == "value" else "base_lr=1", flags)
    assert prepare(other) == "changed"
    assert {path.name for path in folder.path.iterdir()} == {
        *("net.prototxt", "solver.prototxt", "lock", "mine.md")
    }
    assert prepare(other) == "begun"


def test_what_lies_there_unfinished_is_no_end(made):
    folder = made()
    prepare(folder)
    for text in ("", "{", "[1]", '{"scores": 1}'):
        (folder.path / "outcome.json").write_text(text)
        assert folder.outcome() is None
    (folder.path / "outcome.json").write_bytes(OUTCOME.to_json())
    assert folder.outcome() == OUTCOME


def test_a_process_that_still_works_is_waited_for(made):
    folder = made()
    prepare(folder)
    holder = held(folder.lock, pytest.fail)
    holder.__enter__()
    waited = []

    def busy():
        waited.append(1)
        if len(waited) == 3:
            holder.__exit__(None, None, None)

    assert folder.prepare(busy) == "begun"
    assert len(waited) == 3


def test_a_folder_that_cannot_be(made):
    Path("runs").write_text("")
    with pytest.raises(NetspecError, match=r"runs.it: error: cannot be written: "):
        prepare(made())


@pytest.mark.parametrize(
    ("exitcode", "log", "reason"),
    [
        (-9, "", "ended by SIGKILL"),
        (0, "I1121 whatever\n", "stopped before its end"),
        (1, "I1121\nnet.prototxt:3:4: error: too wide\n   3 | x\nerror: more\n", "too wide"),
        (1, "Traceback (most recent call last):\n  ...\nValueError: no\n\n", "ValueError: no"),
        (1, "", ""),
    ],
)
def test_why_a_run_failed(made, exitcode, log, reason):
    folder = made()
    prepare(folder)
    folder.log.write_text(f"error: of an earlier attempt\n{log}")
    assert folder.reason(exitcode, len("error: of an earlier attempt\n")) == reason
