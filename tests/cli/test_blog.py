"""The blog's three files, as they were published, with images beside them."""

import re
import shutil
from pathlib import Path

import cv2
import pytest

from netspec.cli import main
from netspec.data.digits import ClutteredDigits

BLOG = Path(__file__).parents[3] / "shared" / "blog"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    if not BLOG.is_dir():
        pytest.skip("the blog's files lie beside the project, not in it")
    for file in BLOG.iterdir():
        shutil.copy(file, tmp_path)
    images, labels = ClutteredDigits(batch_size=40, clutter=0, digit_size=30).batch(0)
    for index, image in enumerate(images):
        cv2.imwrite(str(tmp_path / f"{index}.png"), image[0].numpy() * 255)
    lines = [f"{index}.png {label:.0f}\n" for index, label in enumerate(labels)]
    (tmp_path / "mnist.txt").write_text("".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shortened(text, iterations):
    """The solver with the same lines, but fewer iterations."""
    for field, value in (("max_iter", iterations), ("test_iter", 2), ("display", 5), ("snapshot", 10)):
        text = re.sub(rf"^{field}: \d+$", f"{field}: {value}", text, flags=re.MULTILINE)
    return text


def test_they_train_unmodified_and_go_on_from_their_snapshot(folder, capsys):
    solver = (folder / "stn_solver.prototxt").read_text()
    (folder / "short.prototxt").write_text(shortened(solver, 10))
    assert main(["train", "-solver=short.prototxt"]) == 0
    captured = capsys.readouterr()
    assert "Solving alpha" in captured.err
    assert "Train net output #1: loss_cls = " in captured.err
    assert "after 10 iterations" in captured.out
    assert (folder / "stn_iter_10.png").is_file()
    (folder / "longer.prototxt").write_text(shortened(solver, 15))
    assert main(["train", "-solver=longer.prototxt", "-snapshot=stn_iter_10.solverstate"]) == 0
    assert "after 15 iterations" in capsys.readouterr().out
    assert (folder / "stn_iter_15.caffemodel").is_file()


def test_nothing_is_wrong_with_them_but_what_makes_such_nets_fail(folder, capsys):
    assert main(["check", "stn.prototxt", "stn_solver.prototxt"]) == 0
    lines = capsys.readouterr().err.splitlines()
    found = [(line.split(":")[1], line.rpartition(" ")[2]) for line in lines if ": warning: " in line]
    advice = [
        ("11", "[test-on-training-data]"),
        ("108", "[theta-learning-rate]"),
        ("281", "[relu-before-loss]"),
    ]
    assert found == advice * 2
