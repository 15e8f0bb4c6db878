"""`netspec train`, in process; and twice as a process of its own: under signals, and at a terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from netspec import compile_net
from netspec.cli import main
from netspec.solver.trainer import Solver

COMMAND = [sys.executable, "-m", "netspec", "train", "-solver", "solver.prototxt"]


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))


def signals_after(monkeypatch, iteration, *numbers):
    """Lets signals arrive in the middle of an iteration."""
    update = Solver.update

    def interrupted(self, rate):
        if self.iteration == iteration:
            for number in numbers:
                signal.raise_signal(number)
        update(self, rate)

    monkeypatch.setattr(Solver, "update", interrupted)


def test_trains_logs_and_reports(folder, capsys):
    assert main(["train", "--solver=solver.prototxt"]) == 0
    captured = capsys.readouterr()
    accuracy = re.findall(r"Test net output #0: accuracy = (\S+)", captured.err)[-1]
    assert re.fullmatch(
        rf"accuracy {100 * float(accuracy):.4g} % \(test net #0\) after 4 iterations in \S+ s; "
        r"snapshot run_iter_4\.caffemodel, picture run_iter_4\.png\n",
        captured.out,
    )
    assert all(re.match(r"[IW]\d{4} ", line) for line in captured.err.splitlines())
    assert captured.err.count("Iteration 4, Testing net (#0)") == 1
    assert captured.err.splitlines()[-1].endswith("] Optimization Done.")
    assert cv2.imread("run_iter_4.png").shape[2] == 3


def test_without_picture(folder, capsys):
    assert main(["train", "-solver", "solver.prototxt", "-no-picture"]) == 0
    assert "picture" not in capsys.readouterr().out
    assert not list(folder.glob("*.png"))


def test_no_picture_of_a_net_without_transformer(folder, capsys):
    edit(
        "net.prototxt",
        'type: "SpatialTransformer" bottom: "data" bottom: "theta"',
        'type: "Flatten" bottom: "data"',
    )
    assert main(["train", "-solver", "solver.prototxt"]) == 0
    assert not list(folder.glob("*.png"))


def test_without_test_net_the_loss_is_reported(folder, capsys):
    edit("solver.prototxt", "test_iter: 2\ntest_interval: 4\n", "")
    assert main(["train", "-solver", "solver.prototxt"]) == 0
    captured = capsys.readouterr()
    loss = re.findall(r"Iteration 4, loss = (\S+)", captured.err)[-1]
    assert captured.out.startswith(f"loss {float(loss):.4g} (train net) after 4 iterations")
    assert (folder / "run_iter_4.png").exists()


def test_an_older_test_says_its_iteration(folder, capsys):
    edit("solver.prototxt", "max_iter: 4", "max_iter: 6")
    assert main(["train", "-solver", "solver.prototxt"]) == 0
    assert " % (test net #0, iteration 4) after 6 iterations" in capsys.readouterr().out


def test_goes_on_from_a_snapshot(folder, capsys):
    assert main(["train", "-solver", "solver.prototxt", "-no-picture"]) == 0
    whole = capsys.readouterr()
    edit("solver.prototxt", "display: 2", "display: 2\nsnapshot: 2")
    assert main(["train", "-solver", "solver.prototxt", "-no-picture"]) == 0
    capsys.readouterr()
    assert (
        main(["train", "-solver", "solver.prototxt", "-no-picture", "-snapshot=run_iter_2.solverstate"]) == 0
    )
    resumed = capsys.readouterr()
    assert "restored iteration 2" in resumed.err
    assert "Iteration 0" not in resumed.err
    # The same numbers as in the run that was not interrupted.
    assert resumed.out.partition(" in ")[0] == whole.out.partition(" in ")[0]
    assert re.findall(r"Test net.*", resumed.err) == re.findall(r"Test net.*", whole.err)[2:]


def test_starts_from_weights(folder, capsys):
    net = compile_net("net.prototxt")
    with torch.no_grad():
        for blob in net.params["classify"]:
            blob.zero_()
    net.save_weights("zero.caffemodel")
    assert main(["train", "-solver", "solver.prototxt", "-weights", "zero.caffemodel", "-no-picture"]) == 0
    # Before the first update all ten classes are equally likely.
    assert "Test net output #1: loss = 2.30259" in capsys.readouterr().err


def test_starts_from_weights_of_which_some_have_other_shapes(folder, capsys):
    text = (folder / "net.prototxt").read_text()
    (folder / "wider.prototxt").write_text(text.replace("num_output: 10", "num_output: 12"))
    compile_net("wider.prototxt").save_weights("wider.safetensors")
    argv = ["train", "-solver", "solver.prototxt", "-weights", "wider.safetensors", "-no-picture"]
    assert main(argv) == 1
    assert "--ignore-mismatched (ignore_mismatched=True) goes on" in capsys.readouterr().err
    assert main([*argv, "--ignore-mismatched"]) == 0
    error = capsys.readouterr().err
    assert "] loaded 1 layers from wider.safetensors" in error
    left = r"^W.*\] left as they were, for their other shapes in the file: classify$"
    assert re.search(left, error, re.M)
    assert re.search(r"^W.*\] classify +0 +\[12, 64\] +\[10, 64\]$", error, re.M)


@pytest.mark.parametrize(
    ("rule", "flag"), [('stage: "watched"', "-stage=watched"), ("min_level: 2", "-level=2")]
)
def test_state_of_the_train_net(folder, capsys, rule, flag):
    with Path("net.prototxt").open("a") as file:
        file.write(
            f'layer {{ type: "TanH" bottom: "theta" top: "watched" include {{ phase: TRAIN {rule} }} }}'
        )
    assert main(["train", "-solver", "solver.prototxt", "-no-picture"]) == 0
    assert ": watched = " not in capsys.readouterr().err
    assert main(["train", "-solver", "solver.prototxt", "-no-picture", flag]) == 0
    assert ": watched = " in capsys.readouterr().err


def test_snapshot_and_weights_exclude_each_other(folder, capsys):
    argv = ["train", "-solver", "solver.prototxt", "-snapshot", "a.solverstate", "-weights", "a.caffemodel"]
    assert main(argv) == 2
    assert "-snapshot and -weights" in capsys.readouterr().err


def test_a_wrong_solver_is_status_1(folder, capsys):
    edit("solver.prototxt", "max_iter", "max_itr")
    assert main(["train", "-solver", "solver.prototxt"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("solver.prototxt:10:1: error: ")
    assert captured.out == ""


def test_ctrl_c_finishes_the_iteration_and_snapshots(folder, capsys, monkeypatch):
    signals_after(monkeypatch, 1, signal.SIGINT)
    before = signal.getsignal(signal.SIGINT)
    assert main(["train", "-solver", "solver.prototxt"]) == 0
    captured = capsys.readouterr()
    assert "stopped after 2 iterations" in captured.out
    assert "Optimization stopped early." in captured.err
    assert (folder / "run_iter_2.solverstate").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_does_not_wait(folder, monkeypatch):
    signals_after(monkeypatch, 1, signal.SIGINT, signal.SIGINT)
    assert main(["train", "-solver", "solver.prototxt"]) == 130
    assert not list(folder.glob("*.caffemodel"))


@pytest.mark.parametrize("flags", [[], ["-sigint_effect=snapshot"]])
def test_a_signal_may_ask_for_a_snapshot(folder, monkeypatch, flags):
    signals_after(monkeypatch, 1, signal.SIGINT if flags else signal.SIGHUP)
    assert main(["train", "-solver", "solver.prototxt", "-no-picture", *flags]) == 0
    assert {path.name for path in folder.glob("*.caffemodel")} == {
        "run_iter_2.caffemodel",
        "run_iter_4.caffemodel",
    }


def test_a_signal_may_do_nothing(folder, monkeypatch):
    signals_after(monkeypatch, 1, signal.SIGINT, signal.SIGINT)
    assert main(["train", "-solver", "solver.prototxt", "-no-picture", "-sigint_effect", "none"]) == 0
    assert {path.name for path in folder.glob("*.caffemodel")} == {"run_iter_4.caffemodel"}


def test_so_many_iterations_and_no_more(folder, capsys):
    assert main(["train", "-solver", "solver.prototxt", "-no-picture", "-iterations=3", "-phase=TRAIN"]) == 0
    captured = capsys.readouterr()
    assert "stopped after 3 iterations" in captured.out
    assert "Optimization stopped early." in captured.err
    # From there on, again as many at most: to the end, with all that belongs to it.
    argv = ["train", "-solver", "solver.prototxt", "-no-picture", "-snapshot=run_iter_3.solverstate"]
    assert main([*argv, "-iterations=1"]) == 0
    captured = capsys.readouterr()
    assert "% (test net #0) after 4 iterations" in captured.out
    assert "Iteration 4, Testing net (#0)" in captured.err


class Trained:
    """`netspec train` in a process that signals may reach, with the lines of its log as they come."""

    def __init__(self, *flags):
        edit("solver.prototxt", "max_iter: 4", "max_iter: 1000000")
        self.process = subprocess.Popen(
            [*COMMAND, "-no-picture", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self):
        self.wait_for("Iteration 2 ")
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()

    def wait_for(self, text):
        return next(line for line in self.process.stderr if text in line)

    def send(self, number):
        self.process.send_signal(number)

    def end(self):
        """The exit status, stdout and the rest of stderr."""
        out, err = self.process.communicate(timeout=60)
        assert "Traceback" not in err
        return self.process.returncode, out, err


def test_signals_by_default(folder):
    with Trained() as trained:
        trained.send(signal.SIGHUP)
        line = trained.wait_for("Snapshotting solver state")
        trained.wait_for(", loss = ")  # and on it goes
        trained.send(signal.SIGINT)
        status, out, err = trained.end()
    assert status == 0
    assert Path(line.split()[-1]).exists()
    assert "Optimization stopped early." in err
    assert Path(re.search(r"snapshot (\S+)", out)[1]).exists()
    assert len(list(folder.glob("*.solverstate"))) == 2


def test_signals_the_other_way_round(folder):
    with Trained("-sigint_effect=snapshot", "-sighup_effect=stop") as trained:
        for _ in range(2):
            trained.send(signal.SIGINT)
            trained.wait_for("Snapshotting solver state")
        trained.wait_for(", loss = ")
        trained.send(signal.SIGHUP)
        status, _, err = trained.end()
    assert status == 0
    assert "Optimization stopped early." in err
    assert len(list(folder.glob("*.solverstate"))) == 3


def test_signals_without_effect(folder):
    with Trained("-sigint_effect", "none", "-sighup_effect", "none") as trained:
        for number in (signal.SIGINT, signal.SIGHUP):
            trained.send(number)
            trained.wait_for(", loss = ")
            trained.wait_for(", loss = ")
        assert trained.process.poll() is None
    assert not list(folder.glob("*.solverstate"))


def test_at_a_terminal_a_bar_below_the_same_lines(folder):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read(ours), b"")).decode()
    os.close(ours)
    assert process.returncode == 0
    assert re.search(r"\] Iteration 0, lr = 0\.01\r?\n", shown)
    assert re.search(r"Test net output #0: accuracy = ", shown)
    assert "/4" in shown
    assert "loss -" in shown


def read(terminal: int) -> bytes:
    """What came next; nothing when the other side is closed, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
