"""``-tensorboard``, read back with TensorBoard's own reader."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from netspec.cli import main
from netspec.solver.events import Started, Transformed

TRAIN = ["train", "-solver", "solver.prototxt", "-no-picture", "-tensorboard=board"]


def curves(folder="board"):
    """(step, value) pairs by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        reader = module.EventAccumulator(folder)
        reader.Reload()
        return {
            name: [(scalar.step, scalar.value) for scalar in reader.Scalars(name)]
            for name in reader.Tags()["scalars"]
        }


def test_a_run_and_its_continuation(folder, capsys):
    pytest.importorskip("tensorboard")
    assert main([*TRAIN, "-iterations=3"]) == 0
    assert main([*TRAIN, "-snapshot=run_iter_3.solverstate"]) == 0
    found = curves()
    assert found.keys() == {
        "train/loss",
        "train/lr",
        "train/output/loss",
        "train/iterations_per_second",
        "test0/accuracy",
        "test0/loss",
        "transformer/look/outside",
        "transformer/look/largest",
        "transformer/look/theta_1_3",
        "transformer/look/theta_2_3",
    }
    assert [step for step, _ in found["train/loss"]] == [0, 2, 4]
    assert [step for step, _ in found["test0/accuracy"]] == [0, 4]
    assert found["train/lr"][0][1] == pytest.approx(0.01)
    assert f"loss = {found['train/loss'][1][1]:g}\n" in capsys.readouterr().err


def test_no_warning_leaks(folder):
    pytest.importorskip("tensorboard")
    code = "import sys; from netspec.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-W", "always::DeprecationWarning", "-c", code, *TRAIN, "-iterations=1"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert all("] " in line and line[0] in "IW" for line in done.stderr.splitlines()), done.stderr


def test_the_package_may_be_missing(folder, capsys, monkeypatch):
    for name in ("tensorboard", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(TRAIN) == 2
    error = capsys.readouterr().err
    assert "the package tensorboard" in error
    assert "pip install 'netspec[tensorboard]'" in error
    assert not Path("board").exists()


def test_a_folder_that_cannot_be(folder, capsys):
    pytest.importorskip("tensorboard")
    assert main([*TRAIN[:-1], "-tensorboard=net.prototxt/board"]) == 2
    assert "-tensorboard net.prototxt/board: Not a directory" in capsys.readouterr().err


def test_transformers_have_curves(tmp_path):
    pytest.importorskip("tensorboard")
    from netspec.cli.tensorboard import TensorBoard

    with TensorBoard(tmp_path / "board") as board:
        board(Started("net", 0, 10, "cpu", 1, "fixed"))
        board(Transformed(4, "st", 0.25, 1.5, (1.0, -1.5), ("t1", "scale")))
    found = curves(str(tmp_path / "board"))
    assert found == {
        "transformer/st/outside": [(4, 0.25)],
        "transformer/st/largest": [(4, 1.5)],
        "transformer/st/t1": [(4, 1)],
        "transformer/st/scale": [(4, -1.5)],
    }
