"""-engine, -precision, -recompute and -deterministic."""

import pytest
import torch

from netspec.cli import flags, main
from netspec.compiler.engines import ENGINES
from netspec.compiler.precision import PRECISIONS


def test_the_flags_know_what_the_compiler_knows():
    assert flags.ENGINES == ENGINES
    assert flags.PRECISIONS == PRECISIONS


TRAIN = ["train", "-solver", "solver.prototxt", "-no_picture"]


def said(capsys, *words):
    """What a run writes to stderr."""
    assert main([*words]) == 0
    return capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_training_says_which_engine_it_took_and_why(capsys):
    assert "engine eager: on the CPU compiling takes longer than it saves" in said(capsys, *TRAIN)
    assert "engine" not in said(capsys, *TRAIN, "-engine=eager")


@pytest.mark.usefixtures("folder")
@pytest.mark.skipif(torch.cuda.is_available(), reason="with a CUDA device a graph is possible")
@pytest.mark.parametrize("verb", [TRAIN, ["time", "-model", "net.prototxt", "-iterations", "1"]])
def test_what_is_not_possible_is_a_warning(capsys, verb):
    line = next(line for line in said(capsys, *verb, "-engine", "graph").splitlines() if "engine" in line)
    assert line.startswith("W")
    assert line.endswith("engine eager: a CUDA graph needs a CUDA device, not 'cpu'")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("how", ["-precision=bf16", "-precision=tf32", "-recompute", "-deterministic"])
def test_the_other_flags_are_taken_by_all_three_verbs(capsys, how):
    said(capsys, *TRAIN, how)
    said(capsys, "time", "-model", "net.prototxt", "-iterations", "1", how)
    weights = ["-weights", "run_iter_4.caffemodel"]
    said(capsys, "test", "-model", "net.prototxt", "-iterations", "1", *weights, how)
    assert not torch.are_deterministic_algorithms_enabled()


def test_an_engine_that_does_not_exist(capsys):
    assert main([*TRAIN, "-engine", "fast"]) == 2
    assert "expected auto, eager, compiled or graph, not 'fast'" in capsys.readouterr().err
