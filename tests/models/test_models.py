"""The networks in models/: each compiles, each solver takes a few steps, and what a script writes is as it
writes it."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

import netspec
from netspec.cli import main

MODELS = Path(__file__).parents[2] / "models"
TEXTS = sorted(MODELS.rglob("*.prototxt"))
SOLVERS = [path for path in TEXTS if path.stem.endswith("solver")]
FOLDERS = sorted(path for path in MODELS.iterdir() if path.is_dir())
SCRIPTS = sorted(MODELS.rglob("generate.py"))


def name(path):
    return str(path.relative_to(MODELS))


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_the_text_is_right(path, data, capsys):
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", SOLVERS, ids=name)
def test_the_solver_learns(path, data, with_small_batches):
    solver = netspec.load_solver(with_small_batches(path))
    solver.settings.message.test_initialization = False
    before = [blob.parameter.detach().clone() for blob in solver.net.learnable_params]
    assert solver.step(3) > 0
    after = [blob.parameter for blob in solver.net.learnable_params]
    assert all((old != new).any() for old, new in zip(before, after, strict=True))
    solver.close()


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_the_folder_says_what_it_shows(folder):
    assert (folder / "README.md").is_file()


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_what_a_script_writes_is_there(script, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert len(written) > 2
    assert {name: (script.parent / name).read_text() for name in written} == written


def test_without_its_data_a_model_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["check", str(MODELS / "mnist_distorted" / "cnn_r_solver.prototxt")]) == 1
    assert "no such file: 'mnist_r_train_lmdb'" in capsys.readouterr().err
