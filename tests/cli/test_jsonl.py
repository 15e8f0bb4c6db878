"""``-log_jsonl``: what is in the file, whatever happened to the runs that wrote it."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from netspec.cli import main
from netspec.cli.jsonl import JsonLines
from netspec.errors import UsageError
from netspec.solver import events
from netspec.solver.events import OutputValue
from netspec.viz.training_log import read_thetas

FILE = Path("log.jsonl")
TRAIN = ["train", "-solver", "solver.prototxt", "-no-picture", f"-log_jsonl={FILE}"]


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def records(file=FILE):
    return [json.loads(line, parse_constant=refuse) for line in Path(file).read_text().splitlines()]


def told(path, *told):
    with JsonLines(path) as log:
        for event in told:
            log(event)
    return records(path)


def test_a_run(folder, capsys):
    assert main(TRAIN) == 0
    found = records()
    assert [(record["event"], record["iteration"]) for record in found] == [
        ("started", 0),
        ("test_started", 0),
        ("tested", 0),
        ("displayed", 0),
        ("transformed", 0),
        ("displayed", 2),
        ("transformed", 2),
        ("snapshotted", 4),
        ("displayed", 4),
        ("transformed", 4),
        ("test_started", 4),
        ("tested", 4),
        ("finished", 4),
    ]
    assert all(abs(record["time"] - time.time()) < 60 for record in found)
    seconds = [record["seconds"] for record in found]
    assert seconds == sorted(seconds)
    started, displayed, tested = found[0], found[5], found[-2]
    assert (started["net"], started["last"], started["resumed"]) == ("small", 4, False)
    assert displayed["lr"] == pytest.approx(0.01)
    assert displayed["outputs"] == {"loss": pytest.approx(displayed["loss"])}
    assert displayed["loss_weights"] == {"loss": 1}
    assert tested["outputs"].keys() == {"accuracy", "loss"}
    assert found[8]["lr"] is None
    assert found[7]["state"] == "run_iter_4.solverstate"
    # The same numbers as in the log, which has six digits of them.
    error = capsys.readouterr().err
    assert f"Iteration 2, lr = {displayed['lr']:g}" in error
    assert f", loss = {displayed['loss']:g}\n" in error
    assert f"Test net output #0: accuracy = {tested['outputs']['accuracy']:g}\n" in error


def test_a_run_that_goes_on_appends(folder):
    assert main([*TRAIN, "-iterations=2"]) == 0
    before = FILE.read_text()
    assert main([*TRAIN, "-snapshot=run_iter_2.solverstate"]) == 0
    assert FILE.read_text().startswith(before)
    new = records()[len(before.splitlines()) :]
    assert [(record["event"], record["iteration"]) for record in new[:3]] == [
        ("restored", 2),
        ("started", 2),
        ("displayed", 2),
    ]
    assert new[0]["state"] == "run_iter_2.solverstate"
    assert new[1]["resumed"] is True


def test_an_error_is_the_last_record(folder, capsys):
    solver = Path("solver.prototxt").read_text()
    Path("solver.prototxt").write_text(solver.replace("base_lr: 0.01", "base_lr: 1e38"))
    assert main(TRAIN) == 1
    assert records()[-1]["event"] == "failed"
    assert "is not finite" in records()[-1]["message"]


def test_debug_info_and_notices(folder, tmp_path):
    magnitudes = (events.Magnitude("ip", "param", "0", math.nan),)
    found = told(
        FILE,
        events.Notice("größe", "warning"),
        events.ForwardInspected(3, None, magnitudes),
        events.BackwardInspected(3, (), (1.0, 2.0), (0.5, math.inf)),
        events.UpdateInspected(3, (events.ParamUpdate("ip", "w", 1.0, 0.1),)),
    )
    assert (found[0]["event"], found[0]["message"], found[0]["severity"]) == ("notice", "größe", "warning")
    assert found[1]["data"] == [{"layer": "ip", "side": "param", "blob": "0", "mean": "nan"}]
    assert found[2]["l2"] == [0.5, "inf"]
    assert found[3]["params"] == [{"layer": "ip", "param": "w", "data": 1.0, "change": 0.1}]


def test_numbers_that_are_not_finite_and_blobs_of_several(tmp_path):
    outputs = (OutputValue("p", 0.5, 0.0), OutputValue("p", -math.inf, 0.0), OutputValue("l", math.nan, 2.0))
    (found,) = told(tmp_path / "log", events.Displayed(7, math.nan, 0.0, 0, 10, outputs, 0.1))
    assert found["loss"] == "nan"
    assert found["outputs"] == {"p": [0.5, "-inf"], "l": "nan"}
    assert found["loss_weights"] == {"l": 2}


def test_how_the_loader_keeps_up(tmp_path):
    loading = events.Loading(100.0, 0.25)
    (found,) = told(tmp_path / "log", events.Displayed(7, 1.0, 2.0, 4, 4, (), 0.1, loading))
    assert (found["images_per_second"], found["waited"]) == (100, 0.25)


def test_what_a_transformer_did_is_read_back(tmp_path):
    transformed = events.Transformed(20, "st", 0.25, math.inf, (1.0, -0.5), ("t1", "t2"))
    (found,) = told(tmp_path / "log", transformed)
    assert (found["event"], found["largest"], found["theta"]) == ("transformed", "inf", [1, -0.5])
    (thetas,) = read_thetas(tmp_path / "log")
    assert (thetas.layer, thetas.iterations, thetas.outside) == ("st", [20], [0.25])
    assert thetas.names == ("t1", "t2")
    assert (thetas.largest, thetas.means) == ([math.inf], [[1, -0.5]])


def test_an_iteration_leaves_no_line_but_is_remembered(tmp_path):
    iterated = events.Iterated(5, torch.tensor(1.0), 64)
    (found,) = told(tmp_path / "log", iterated, events.Notice("hello"))
    assert found["iteration"] == 5


def test_a_line_cut_short_goes(tmp_path):
    (tmp_path / "log").write_text('{"event": "one"}\n{"event": "tw')
    assert [record["event"] for record in told(tmp_path / "log", events.Notice("x"))] == ["one", "notice"]


def test_a_whole_line_without_its_end_stays(tmp_path):
    (tmp_path / "log").write_text('{"event": "one"}')
    assert [record["event"] for record in told(tmp_path / "log", events.Notice("x"))] == ["one", "notice"]


@pytest.mark.parametrize("text", ['net: "net.prototxt"\n', "[1, 2]\n", "{oops}\n", "\xff"])
def test_other_files_are_left_alone(folder, capsys, text):
    FILE.write_text(text)
    assert main(TRAIN) == 2
    assert "holds something else" in capsys.readouterr().err
    assert FILE.read_text() == text


def test_a_place_that_cannot_be_written(folder, capsys):
    assert main([*TRAIN[:-1], "-log_jsonl=none/log.jsonl"]) == 2
    assert "-log_jsonl none/log.jsonl: No such file or directory" in capsys.readouterr().err
    with pytest.raises(UsageError, match="Is a directory"):
        JsonLines(folder)


def test_a_full_disk_ends_the_log_but_not_the_training(tmp_path, monkeypatch, capsys):
    def full(file, line):
        raise OSError(28, "No space left on device")

    with JsonLines(tmp_path / "log") as log:
        monkeypatch.setattr(os, "write", full)
        log(events.Notice("a"))
        log(events.Notice("b"))
    error = capsys.readouterr().err
    assert error.count("No space left on device; no more events are written") == 1


def test_after_a_kill_every_line_is_whole(folder):
    solver = Path("solver.prototxt").read_text()
    text = solver.replace("max_iter: 4", "max_iter: 1000000").replace("display: 2", "display: 1")
    Path("solver.prototxt").write_text(text)
    command = [sys.executable, "-m", "netspec", *TRAIN]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        seen = next(line for line in process.stderr if "Iteration 20 " in line)
        process.send_signal(signal.SIGKILL)
    assert seen
    displayed = [record["iteration"] for record in records() if record["event"] == "displayed"]
    assert displayed[:21] == list(range(21))
