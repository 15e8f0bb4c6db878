"""`netspec draw`."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import pytest

from netspec.cli import main

SVG = "{http://www.w3.org/2000/svg}"
V1 = """
name: "old"
input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 } }
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
"""


def ids(file):
    return [group.get("id") for group in ET.parse(file).getroot().iter(f"{SVG}g") if group.get("id")]


@pytest.mark.parametrize("format", ["svg", "png", "html", "dot"])
def test_formats(folder, capsys, format):
    assert main(["draw", "net.prototxt", "-o", f"net.{format}"]) == 0
    told = capsys.readouterr().out
    assert re.fullmatch(rf"net.{format}: TRAIN: 5 layers, .* learnable numbers; TEST: 6 layers, .*\n", told)
    names = ["digits", "where", "look", "classify"]
    both = [f"0/{name}" for name in [*names, "loss"]] + [f"1/{name}" for name in [*names, "judge", "loss"]]
    if format in ("svg", "html"):
        assert ids(f"net.{format}") == both
    elif format == "dot":
        assert re.findall(r'^    "([^"]*)" \[label=', Path("net.dot").read_text(), re.M)[: len(both)] == both
    else:
        assert cv2.imread("net.png").shape[0] > 800


def test_one_phase(folder, capsys):
    assert main(["draw", "net.prototxt", "-phase=test"]) == 0
    assert capsys.readouterr().out.startswith("net.svg: TEST: 6 layers")
    assert ids("net.svg") == ["digits", "where", "look", "classify", "judge", "loss"]


def test_level_and_stage(folder):
    Path("net.prototxt").write_text(
        Path("net.prototxt").read_text().replace("phase: TEST }", 'phase: TEST stage: "x" }')
    )
    assert main(["draw", "net.prototxt", "-phase=TEST"]) == 0
    assert "judge" not in ids("net.svg")
    assert main(["draw", "net.prototxt", "-phase=TEST", "-stage=x"]) == 0
    assert "judge" in ids("net.svg")


def test_an_old_net(folder, capsys):
    Path("old.prototxt").write_text(V1)
    assert main(["draw", "old.prototxt", "-rankdir", "lr"]) == 0
    assert capsys.readouterr().out.startswith("net.svg: TRAIN and TEST: 3 layers, 112 learnable")
    assert ids("net.svg") == ["input", "conv1", "relu1"]
    assert "1x3x8x8" in Path("net.svg").read_text()


def test_a_net_whose_data_are_elsewhere(folder, capsys):
    text = Path("net.prototxt").read_text()
    data = 'layer { name: "digits" type: "Data" top: "data" top: "label"\n'
    data += '  data_param { source: "no" batch_size: 2 } }\n'
    Path("net.prototxt").write_text(data + text[text.index('layer {\n  name: "where"') :])
    assert main(["draw", "net.prototxt", "-phase=TRAIN"]) == 0
    told = capsys.readouterr()
    assert told.out == "net.svg: TRAIN: 5 layers\n"
    assert "net.prototxt:2:24: warning: layer 'digits' (Data): no such file: 'no'; drawn" in told.err
    assert "label" in Path("net.svg").read_text()


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (["none.prototxt"], 1, "none.prototxt"),
        (
            ["net.prototxt", "-o=net.gif"],
            2,
            "-o net.gif: expected a name that ends in .svg, .png",
        ),
        (
            ["net.prototxt", "-o=none/net.svg"],
            1,
            "none/net.svg: error: the drawing cannot be written",
        ),
        (["wrong.prototxt"], 1, "reads blob 'seeen'"),
        (["net.prototxt", "-rankdir=up"], 2, "expected TB, BT, LR or RL, not 'UP'"),
        ([], 2, "NET"),
    ],
)
def test_what_goes_wrong(folder, capsys, argv, status, message):
    text = Path("net.prototxt").read_text()
    Path("wrong.prototxt").write_text(text.replace('bottom: "seen"', 'bottom: "seeen"'))
    assert main(["draw", *argv]) == status
    assert message in capsys.readouterr().err
    assert not Path("net.svg").exists()
