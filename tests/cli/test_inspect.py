"""`netspec inspect`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.cli import main
from netspec.data.binaryproto import write_binaryproto
from netspec.weights import LayerBlobs, State, write_solverstate, write_weights

LAYERS = [
    LayerBlobs("data", "Data"),
    LayerBlobs("ip", "InnerProduct", {0: np.float32([[1, 2, 3, 6]]), 1: np.float64([np.nan, 1, -np.inf])}),
]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def inspected(capsys, file):
    assert main(["inspect", file]) == 0
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_weights(capsys):
    write_weights("x.caffemodel", LAYERS)
    assert inspected(capsys, "x.caffemodel") == [
        "layer  type          blob  shape   dtype    min  max  mean    std  not finite",
        "-----  ------------  ----  ------  -------  ---  ---  ----  -----  ----------",
        "data   Data",
        "ip     InnerProduct  0     [1, 4]  float32    1    6     3  1.871",
        "ip     InnerProduct  1     [3]     float64    1    1     1      0           2",
        "2 layers, 2 blobs, 7 parameters, 40 B",
    ]


@pytest.mark.parametrize("suffix", [".caffemodel.h5", ".safetensors", ".npz"])
def test_other_formats(capsys, suffix):
    write_weights(f"x{suffix}", LAYERS)
    lines = inspected(capsys, f"x{suffix}")
    assert [line.split()[0] for line in lines[2:-1]][-2:] == ["ip", "ip"]
    assert lines[-1].endswith("2 blobs, 7 parameters, 40 B")


def test_names_where_the_file_knows_them(capsys):
    ip = LayerBlobs(
        "ip", "InnerProduct", {0: np.ones(2, "f4"), 1: np.ones(1, "f4")}, names=("weight", "bias")
    )
    write_weights("x.safetensors", [ip])
    assert [line.split()[2] for line in inspected(capsys, "x.safetensors")[2:-1]] == ["weight", "bias"]


@pytest.mark.parametrize("file", ["x.solverstate", "x.solverstate.h5"])
def test_a_solvers_state(capsys, file):
    write_solverstate(file, State(12, "x.caffemodel", [np.ones((2, 3), np.float32), np.zeros(2, "f4")], 1))
    lines = inspected(capsys, file)
    assert lines[0] == "iteration 12, learning-rate step 1, weights 'x.caffemodel'"
    assert [line.split("  ")[0] for line in lines[3:5]] == ["0", "1"]
    assert "[2, 3]" in lines[3]
    assert lines[-1] == "2 blobs, 8 parameters, 32 B"


def test_a_mean_image(capsys):
    write_binaryproto(Path("mean.binaryproto"), np.full((3, 2, 2), 104, np.float32))
    lines = inspected(capsys, "mean.binaryproto")
    assert lines[2] == "[1, 3, 2, 2]  float32  104  104   104    0"


@pytest.mark.parametrize("kept", [0, 1, 10, -1])
def test_a_file_that_is_cut(here, capsys, kept):
    write_weights("x.caffemodel", LAYERS)
    (here / "x.caffemodel").write_bytes((here / "x.caffemodel").read_bytes()[:kept])
    assert main(["inspect", "x.caffemodel"]) == 1
    assert "x.caffemodel: error: " in capsys.readouterr().err


def test_a_text(here, capsys):
    (here / "net.prototxt").write_text('name: "net"\n')
    assert main(["inspect", "net.prototxt"]) == 1
    assert "but this is a text" in capsys.readouterr().err
