"""The networks in models/: each compiles, and each solver takes a few steps."""

from pathlib import Path

import pytest

import netspec
from netspec.cli import main

MODELS = Path(__file__).parents[2] / "models"
TEXTS = sorted(MODELS.rglob("*.prototxt"))
SOLVERS = [path for path in TEXTS if path.stem.endswith("solver")]


def name(path):
    return str(path.relative_to(MODELS))


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_the_text_is_right(path, capsys):
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", SOLVERS, ids=name)
def test_the_solver_learns(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    solver = netspec.load_solver(path)
    solver.settings.message.test_initialization = False
    before = [blob.parameter.detach().clone() for blob in solver.net.learnable_params]
    assert solver.step(3) > 0
    after = [blob.parameter for blob in solver.net.learnable_params]
    assert all((old != new).any() for old, new in zip(before, after, strict=True))
    solver.close()


@pytest.mark.parametrize("folder", sorted(path for path in MODELS.iterdir() if path.is_dir()), ids=name)
def test_the_folder_says_what_it_shows(folder):
    assert (folder / "README.md").is_file()
