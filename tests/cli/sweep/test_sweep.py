"""`netspec sweep`: killed, interrupted, failing and gone on with."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import netspec
from netspec.cli import main
from netspec.cli.sweep import _room, display
from netspec.cli.sweep.lock import held
from netspec.schema.setting import read_setting
from netspec.solver import events as told_by
from netspec.solver.sweep import Checked, plan

FILLER = "net.layer.classify.inner_product_param.weight_filler"
SETTINGS = ["-set", "base_lr=0.01,0.02", f"--set={FILLER}.std=0.1,0.2,0.3"]
SWEEP = ["sweep", "-solver", "solver.prototxt", "-o", "table.md"]


def edit(file, old, new):
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))


def rows():
    with Path("table.csv").open(newline="") as file:
        return [*csv.DictReader(file)]


@pytest.fixture
def slow(folder):
    """Runs that take a moment, with snapshots on the way."""
    edit("solver.prototxt", "max_iter: 4", "max_iter: 60\nsnapshot: 10")
    edit("solver.prototxt", "test_interval: 4", "test_interval: 60")
    edit("solver.prototxt", "display: 2", "display: 10")
    edit("net.prototxt", 'type: "xavier"', 'type: "gaussian"')
    return folder


# A sweep that is killed ------------------------------------------------------------------------------------


def in_the_middle():
    """Whether a run is finished and another one has a snapshot but no end."""
    begun = [*Path("table.runs").glob("*/snapshot_iter_*.solverstate")]
    finished = {path.parent for path in Path("table.runs").glob("*/outcome.json")}
    return finished and {path.parent for path in begun} - finished


def scores(solver):
    """The test outputs that a training ends with."""
    told = []
    trainer = netspec.load_solver(solver, listeners=[told.append])
    trainer.train()
    trainer.close()
    last = next(event for event in reversed(told) if isinstance(event, told_by.Tested))
    return {output.blob: output.value for output in last.outputs}


def test_killed_in_the_middle_and_gone_on_with(slow, capsys):
    command = [sys.executable, "-m", "netspec", *SWEEP, *SETTINGS, "-jobs=2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        while not in_the_middle():
            assert process.poll() is None
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    early = rows()
    assert [row["status"] for row in early].count("waiting") >= 2

    assert main([*SWEEP, *SETTINGS, "-jobs=2"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("(done before)") >= 1
    assert captured.err.count(": goes on; ") >= 1
    assert [(row["run"], row["base_lr"], row["std"]) for row in rows()] == [
        ("1", "0.01", "0.1"),
        ("2", "0.01", "0.2"),
        ("3", "0.01", "0.3"),
        ("4", "0.02", "0.1"),
        ("5", "0.02", "0.2"),
        ("6", "0.02", "0.3"),
    ]
    resumed = re.search(r"run (\d) of 6: [^:]*: goes on", captured.err)[1]
    row = rows()[int(resumed) - 1]
    expected = scores(f"table.runs/base_lr={row['base_lr']}+std={row['std']}/solver.prototxt")
    assert {blob: float(row[blob]) for blob in expected} == pytest.approx(expected, rel=1e-5)
    best = max(rows(), key=lambda row: float(row["accuracy"]))
    assert [row["status"] for row in rows()] == ["best" if row == best else "done" for row in rows()]
    label = f"base_lr={best['base_lr']} std={best['std']}"
    assert captured.out == (f"table.md, table.csv: best {label}: accuracy = {float(best['accuracy']):.4g}\n")
    header = "| run | base_lr | std | accuracy | loss | iteration | seconds | status |"
    lines = [re.sub(r"[ *]+", " ", line) for line in Path("table.md").read_text().splitlines()]
    assert header in lines
    assert f"- std: `{FILLER}.std`" in lines
    assert not list(slow.glob("run_iter*"))


def test_again_with_other_texts_and_more_values(folder, capsys):
    settings = ["-set=base_lr=0.01,0.02", "-jobs=2"]
    assert main([*SWEEP, *settings]) == 0
    before = rows()
    Path("table.runs/base_lr=0.01/mine.txt").write_text("kept")
    capsys.readouterr()
    assert main([*SWEEP, "-set=base_lr=0.005,0.01,0.02", "-jobs=2"]) == 0
    told = capsys.readouterr().err
    assert "run 1 of 3: base_lr=0.005: started" in told
    assert re.search(r"run 2 of 3: base_lr=0.01: accuracy = \S+ \(done before\)", told)
    assert [row["loss"] for row in rows()[1:]] == [row["loss"] for row in before]
    edit("net.prototxt", "num_output: 10", "num_output: 12")
    assert main([*SWEEP, *settings]) == 0
    told = capsys.readouterr().err
    assert told.count("its text or its command is not the one of before: started anew") == 2
    assert all(row["loss"] != old["loss"] for row, old in zip(rows(), before, strict=True))
    assert Path("table.runs/base_lr=0.01/mine.txt").exists()


def test_a_run_that_fails_is_a_row_and_the_others_go_on(folder, capsys):
    assert main([*SWEEP, "-set=base_lr=3e38,0.01"]) == 1
    captured = capsys.readouterr()
    failed, done = rows()
    assert failed["status"].startswith("failed: ")
    assert "finite" in failed["status"]
    assert (failed["accuracy"], done["status"]) == ("", "best")
    assert f"run 1 of 2: base_lr=3e38: {failed['status']}; log table.runs/" in captured.err
    assert captured.out.endswith("; 1 of 2 runs failed\n")


def test_without_tests_the_loss_is_tabulated(folder, capsys):
    edit("solver.prototxt", "test_iter: 2\ntest_interval: 4\n", "")
    edit("solver.prototxt", "random_seed: 7\n", "")
    assert main([*SWEEP, "-set=base_lr=0.01,0.02"]) == 0
    assert "the solver has no random_seed: each run takes 1" in capsys.readouterr().err
    best = min(rows(), key=lambda row: float(row["train loss"]))
    assert [row["status"] for row in rows()] == ["best" if row == best else "done" for row in rows()]


def test_ctrl_c_leaves_snapshots_to_go_on_from(slow, capsys, monkeypatch):
    edit("solver.prototxt", "max_iter: 60", "max_iter: 1000000")

    def interrupt(self):
        if all(file.exists() and "displayed" in file.read_text() for file in events):
            raise KeyboardInterrupt

    events = [Path(f"table.runs/base_lr={rate}/events.jsonl") for rate in ("0.01", "0.02")]
    monkeypatch.setattr(display.Display, "look", interrupt)
    assert main([*SWEEP, "-set=base_lr=0.01,0.02,0.03", "-jobs=2"]) == 130
    captured = capsys.readouterr()
    assert "0 of 3 runs are done; the same command goes on from here" in captured.err
    assert [row["status"] for row in rows()] == ["stopped", "stopped", "waiting"]
    for file in events:
        last = json.loads(file.read_text().splitlines()[-1])
        assert (last["event"], last["early"]) == ("finished", True)
        assert (file.parent / f"snapshot_iter_{last['iteration']}.solverstate").exists()
        with held(file.parent / "lock", pytest.fail):
            pass  # nothing is at work any more


# What is wrong ---------------------------------------------------------------------------------------------


def test_two_sweeps_do_not_share_a_folder(folder, capsys):
    Path("table.runs").mkdir()
    with held(Path("table.runs/lock"), pytest.fail):
        assert main([*SWEEP, "-set=base_lr=1"]) == 1
    assert "table.runs: error: another sweep is at work here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (["-set=base_lr=0.1,x"], 1, "--set:1:13: error: expected a number for 'base_lr', found 'x'"),
        (["-set=base_lr"], 1, "expected PATH=VALUE,VALUE"),
        (["-set=base_lr=1", "-set=base_lr=2"], 2, "a second -set for base_lr"),
        (["-set=snapshot_prefix=a"], 2, "each run has a folder of its own"),
        (["-set=base_lr=1", "-o=table.csv"], 2, "-o table.csv: expected a name that ends in .md"),
        (["-set=base_lr=1", "-o=no/table.md"], 2, "there is no folder 'no'"),
        (["-set=base_lr=1", "-jobs=0"], 2, "a whole number of at least 1 is expected, not '0', or auto"),
        ([], 2, "--set"),
    ],
)
def test_wrong_uses(folder, capsys, flags, status, message):
    assert main([*SWEEP, *flags]) == status
    assert message in capsys.readouterr().err
    assert not list(folder.glob("*.runs"))


# Room ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jobs", "own", "peak", "expected"),
    [
        (0, 0, 0, (3, 2)),  # more cores than runs
        (2, 0, 0, (2, 4)),
        (5, 0, 0, (3, 2)),
        (0, 4, 0, (2, 4)),  # OMP_NUM_THREADS says how many threads each may have
        (0, 1, 0, (3, 1)),
        (0, 0, 2**31, (2, 4)),  # the memory holds two
        (0, 0, 2**50, (1, 8)),
    ],
)
def test_as_many_runs_as_there_is_room_for(folder, monkeypatch, jobs, own, peak, expected):
    monkeypatch.setattr("netspec.cli.sweep._cores", lambda: 8)
    monkeypatch.setattr("netspec.data.image_cache.free_memory", lambda: 2**33)
    monkeypatch.setenv("OMP_NUM_THREADS", str(own or ""))
    runs = plan("solver.prototxt", [read_setting("base_lr=1,2,3")])
    room = _room(jobs, [], runs, Checked((), peak))
    assert (room.jobs, room.threads) == expected


def test_one_run_on_each_gpu(folder):
    runs = plan("solver.prototxt", [read_setting("base_lr=1,2,3")])
    room = _room(0, [0, 3], runs, Checked((), 0))
    assert (room.jobs, room.gpus) == (2, (0, 3))
    assert str(room).endswith(", on GPU 0, 3")
