"""`netspec plot`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from netspec.cli import main


@pytest.fixture
def logs(folder, capsys):
    """The text log and the lines of JSON of the same run; what they were made with is forgotten."""
    assert main(["train", "-solver=solver.prototxt", "-no-picture", "-log_jsonl=run.jsonl"]) == 0
    Path("run.log").write_text(capsys.readouterr().err)
    return ["run.log", "run.jsonl"]


def drawn(svg="curves.svg"):
    """The words and the number of curves in a picture."""
    text = Path(svg).read_text()
    return set(re.findall(r"<text[^>]*>([^<]*)</text>", text)), len(re.findall(r'id="line2d_\d+"', text))


def test_our_own_log(logs, capsys):
    assert main(["plot", logs[0]]) == 0
    assert capsys.readouterr().out == "curves.png: 1 run, accuracy, loss, lr\n"
    height, width, _ = cv2.imread("curves.png").shape
    assert (height > 900, width > 1200) == (True, True)


def test_text_and_json_give_the_same_curves(logs):
    words = []
    for log in logs:
        assert main(["plot", log, "-o", "curves.svg"]) == 0
        words.append(drawn())
    assert words[0] == words[1]
    assert {"loss", "accuracy", "learning rate", "iteration", "run", "train loss", "test loss"} <= words[0][0]


def test_several_runs(logs, capsys):
    Path("other").mkdir()
    Path("other/run.log").write_text(Path("run.log").read_text())
    Path("last.log").write_text(Path("run.log").read_text())
    assert main(["plot", "run.log", "other/run.log", "last.log", "run.log", "-o=curves.svg"]) == 0
    assert capsys.readouterr().out.startswith("curves.svg: 3 runs")
    assert {"run", "other/run", "last"} <= drawn()[0]


def test_chosen_outputs(logs, capsys):
    assert main(["plot", "run.log", "-o", "curves.svg", "-outputs=accuracy,lr"]) == 0
    assert capsys.readouterr().out == "curves.svg: 1 run, accuracy, lr\n"
    words, _ = drawn()
    assert "accuracy" in words
    assert not any("loss" in word for word in words)


def test_a_blob_of_many_numbers_is_drawn_when_asked_for(folder):
    lines = [f"] Train net output #{index}: prob = 0.0{index}" for index in range(12)]
    Path("many.log").write_text("\n".join(["] Iteration 0, loss = 1", *lines]))
    for flags, count in (([], 0), (["-outputs=prob"], 12)):
        assert main(["plot", "many.log", "-o", "curves.svg", *flags]) == 0
        assert len([word for word in drawn()[0] if word.startswith("train prob[")]) == count


def test_nothing_but_a_blob_of_many_numbers(folder, capsys):
    lines = [f"] Train net output #{index}: prob = 0.0{index}" for index in range(12)]
    Path("many.log").write_text("\n".join(["] Iteration 0", *lines]))
    assert main(["plot", "many.log"]) == 2
    assert "choose what to draw with -outputs: prob" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (["none.log"], 1, "none.log: error: the log cannot be read: No such file or directory"),
        (["net.prototxt"], 1, "net.prototxt: error: the log tells of no iteration"),
        (["run.log", "-outputs=acuracy"], 2, "did you mean 'accuracy'? the logs tell of accuracy, loss, lr"),
        (
            ["run.log", "-o", "curves.gif"],
            2,
            "-o curves.gif: expected a name that ends in .png, .svg or .pdf",
        ),
        (["run.log", "-o", "none/curves.png"], 1, "none/curves.png: error: the picture cannot be written"),
        ([], 2, "LOG"),
    ],
)
def test_what_goes_wrong(logs, capsys, argv, status, message):
    assert main(["plot", *argv]) == status
    assert message in capsys.readouterr().err
    assert not list(Path().glob("curves*"))


def test_matplotlib_is_loaded_by_nobody_else():
    code = "import sys; from netspec.cli import main; main(['--help']); print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert "plot" in done.stdout
