"""The networks in models/: each compiles, each solver takes a few steps, and what a script writes is as it
writes it."""

from __future__ import annotations

import runpy
import shlex
import sys
from pathlib import Path

import pytest

import netspec
from netspec.cli import main

MODELS = Path(__file__).parents[2] / "models"
TEXTS = sorted(MODELS.rglob("*.prototxt"))
SOLVERS = [path for path in TEXTS if path.stem.endswith("solver")]
# One for each net, whatever the recipe: the others differ in numbers, or in the data set.
LEARNERS = [*{(path.parent, netspec.parse_solver(path).net): path for path in SOLVERS}.values()]
FOLDERS = sorted(path for path in MODELS.iterdir() if path.is_dir())
SCRIPTS = sorted(MODELS.rglob("generate.py"))
COMMANDS = [
    (readme.parent.name, line)
    for readme in sorted(MODELS.glob("*/README.md"))
    for line in readme.read_text().splitlines()
    if line.startswith("netspec ")
]

pytestmark = pytest.mark.models


def name(path):
    return str(path.relative_to(MODELS))


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_the_text_is_right(path, data, capsys):
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", LEARNERS, ids=name)
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
    assert f"| [{folder.name}]({folder.name}/README.md) |" in (MODELS / "README.md").read_text()


@pytest.mark.parametrize("line", [pytest.param(line, id=f"{folder}:{line}") for folder, line in COMMANDS])
def test_the_command_is_right(line, capsys):
    """The tools and flags that a README names exist."""
    words = shlex.split(line, comments=True)[1:]
    verb = words[: 2 if words[0] in ("data", "visualize") else 1]
    assert main([*verb, "-help"]) == 0
    known = capsys.readouterr().out.replace("-", "_")
    for flag in (word.partition("=")[0] for word in words if word.startswith("-")):
        assert f"__{flag.lstrip('-').replace('-', '_')}" in known


@pytest.mark.parametrize(
    "line", [pytest.param(line, id=f"{folder}:{line}") for folder, line in COMMANDS if " train " in line]
)
def test_the_training_runs(line, data, with_small_batches, tmp_path, monkeypatch, capsys):
    """As the README has it, from the top of a clone in which the data lie; for one iteration."""
    words = shlex.split(line, comments=True)[1:]
    (solver,) = (word.removeprefix("-solver=") for word in words if word.startswith("-solver="))
    with_small_batches(MODELS.parent / solver)
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "models").symlink_to(tmp_path)
    for path in data.iterdir():
        (clone / path.name).symlink_to(path)
    monkeypatch.chdir(clone)
    assert main([*words, "-iterations=1", "-no_picture"]) == 0, capsys.readouterr().err


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
