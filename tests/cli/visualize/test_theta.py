"""`netspec visualize theta`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import pytest

from netspec.cli import main


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = {"event": "transformed", "time": 1.0, "seconds": 1.0, "outside": 0.1, "largest": 1.2}
    told["names"] = [f"theta_{row}_{column}" for row in (1, 2) for column in (1, 2, 3)]
    lines = [
        json.dumps({**told, "iteration": iteration, "layer": layer, "theta": [1.0, 0.0, 0.1, 0.0, 1.0, -0.1]})
        for iteration in range(0, 50, 10)
        for layer in ("st1", "st2")
    ]
    Path("run.jsonl").write_text('{"event": "started", "iteration": 0}\n' + "\n".join(lines) + "\n")
    Path("other.jsonl").write_text('{"event": "started", "iteration": 0}\n')


def test_theta(log, capsys):
    assert main(["visualize", "theta", "run.jsonl"]) == 0
    assert capsys.readouterr().out == "theta.png: st1, st2, up to iteration 40\n"
    assert cv2.imread("theta.png").shape[1] > 1400
    assert main(["visualize", "theta", "run.jsonl", "-layer=st2", "-o=one.svg"]) == 0
    words = set(re.findall(r"<text[^>]*>([^<]*)</text>", Path("one.svg").read_text()))
    assert {"st2", "theta_1_1", "mean of theta", "sampled outside"} <= words
    assert "st1" not in words


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (["none.jsonl"], 1, "none.jsonl: error: the log cannot be read"),
        (["other.jsonl"], 1, "other.jsonl: error: the log tells of no spatial transformer"),
        (["run.jsonl", "-layer=st3"], 2, "spatial transformers: st1, st2"),
        (["run.jsonl", "-o=theta.gif"], 2, "-o theta.gif: expected a name that ends in .png, .svg or .pdf"),
    ],
)
def test_what_goes_wrong(log, capsys, argv, status, message):
    assert main(["visualize", "theta", *argv]) == status
    assert message in capsys.readouterr().err
