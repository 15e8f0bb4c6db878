"""`netspec visualize filters`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from netspec.cli import main
from netspec.weights import LayerBlobs, write_weights

CONV = np.linspace(-1, 1, 6 * 2 * 3 * 3, dtype=np.float32).reshape(6, 2, 3, 3)
MODEL = """
name: "conv_ip"
layer { name: "in" type: "Input" top: "in" input_param { shape { dim: [1, 1, 4, 5] } } }
layer { name: "ip" type: "InnerProduct" bottom: "in" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "other" type: "InnerProduct" bottom: "ip" top: "other" inner_product_param { num_output: 20 } }
"""


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layers = [
        LayerBlobs("scale", "Scale", {0: np.ones(4, np.float32)}),
        LayerBlobs("conv", "Convolution", {0: CONV, 1: np.zeros(6, np.float32)}),
        LayerBlobs("ip", "InnerProduct", {0: np.ones((3, 20), np.float32)}),
        LayerBlobs("other", "InnerProduct", {0: np.ones((20, 7), np.float32)}),
        LayerBlobs("old", "InnerProduct", {0: np.ones((1, 1, 3, 20), np.float32)}),
        LayerBlobs("relu", "ReLU"),
    ]
    write_weights("w.caffemodel", layers)
    write_weights("flat.caffemodel", layers[2:4])
    Path("net.prototxt").write_text(MODEL)
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([], "conv, 6x2x3x3"),
        (["-layer=conv", "-count=2", "-means"], "conv, 6x2x3x3"),
        (["-layer", "ip"], "ip, 3x20"),
        (["-layer", "old"], "old, 3x20"),
        (["-layer", "ip", "-model", "net.prototxt"], "ip, 3x1x4x5"),
    ],
)
def test_filters(weights, capsys, flags, told):
    assert main(["visualize", "filters", "-weights=w.caffemodel", *flags]) == 0
    assert capsys.readouterr().out == f"filters.png: {told}\n"
    assert cv2.imread("filters.png").std() > 5


RUN = "visualize filters -weights=w.caffemodel"
WRONG = [
    (f"{RUN} -layer=cnov", 2, "did you mean 'conv'? layers with blobs: scale, conv, ip, other, old"),
    (f"{RUN} -layer=relu", 2, "'w.caffemodel' has no such layer 'relu'"),
    (f"{RUN} -layer=scale", 1, "layer 'scale' has no filters: its first blob is 4"),
    (f"{RUN} -layer=other -model=net.prototxt", 0, ""),
    (f"{RUN} -layer=conv -model=net.prototxt", 2, "net 'conv_ip' has no such layer 'conv'"),
    (f"{RUN} -o filters.gif", 2, "-o filters.gif: expected a name that ends in"),
    (RUN.replace("w.c", "flat.c"), 1, "flat.caffemodel: error: no layer has filters"),
    (RUN.replace("w.c", "none.c"), 1, "none.caffemodel"),
    ("visualize filters", 2, "--weights"),
]


@pytest.mark.parametrize(("command", "status", "message"), WRONG, ids=[command for command, *_ in WRONG])
def test_what_goes_wrong(weights, capsys, command, status, message):
    assert main(command.split()) == status
    assert message in capsys.readouterr().err
    assert Path("filters.png").exists() == (status == 0)


def test_a_bottom_that_does_not_fit(weights, capsys):
    Path("net.prototxt").write_text(MODEL.replace("[1, 1, 4, 5]", "[1, 1, 4, 6]"))
    assert main([*RUN.split(), "-layer=ip", "-model=net.prototxt"]) == 2
    assert "layer 'ip' reads 1x4x6 in the net, but has 20 weights per row" in capsys.readouterr().err
