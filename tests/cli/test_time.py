"""`netspec time`."""

from __future__ import annotations

import re
from statistics import fmean

import pytest
import torch

from netspec import compile_net
from netspec.cli import main, time

DEPLOY = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 4 } }
layer { name: "act" type: "ReLU" bottom: "y" top: "y" }
"""


def milliseconds(pattern, text):
    return [float(number) for number in re.findall(pattern + r" ([\d.e+-]+) ms\.", text)]


def test_times_whole_and_layers(folder, capsys):
    assert main(["time", "-model", "net.prototxt", "-iterations=2"]) == 0
    captured = capsys.readouterr()
    layers = re.findall(r"\] +(\w+)\t(forward|backward): [\d.e+-]+ ms\.", captured.err)
    assert layers == [
        (name, way)
        for name in ("digits", "where", "look", "classify", "loss")
        for way in ("forward", "backward")
    ]
    assert milliseconds(r"digits\tbackward:", captured.err) == [0]
    assert [number > 0 for number in milliseconds(r"\t\w+:", captured.err)].count(False) == 1
    assert re.search(r"\] Initial loss: \d", captured.err)
    both = milliseconds(r"Iteration: \d forward-backward time:", captured.err)
    assert fmean(both) == pytest.approx(milliseconds("Average Forward-Backward:", captured.err)[0], rel=1e-4)
    forward, backward, both, total = (
        milliseconds(pattern, captured.err)[0]
        for pattern in (
            "Average Forward pass:",
            "Average Backward pass:",
            "Average Forward-Backward:",
            "Total Time:",
        )
    )
    assert both == pytest.approx(forward + backward, rel=1e-4)
    assert total > 2 * both
    assert re.fullmatch(r"forward-backward [\d.]+ ms, batch 4, cpu\n", captured.out)


def test_a_net_without_loss_and_with_inputs(folder, capsys):
    (folder / "deploy.prototxt").write_text(DEPLOY)
    assert main(["time", "-model", "deploy.prototxt", "-iterations=1", "-phase=TEST"]) == 0
    error = capsys.readouterr().err
    assert milliseconds(r"ip\tbackward:", error)[0] > 0
    # The layer in place reads what the one before it made, not its own top.
    assert milliseconds(r"act\tbackward:", error)[0] > 0


def test_the_layers_gradients_are_the_nets(folder, monkeypatch):
    """The run that stops at every layer does the work that it claims to time."""
    net = compile_net("net.prototxt", phase="TRAIN", seed=5)
    found = {}
    grad = torch.autograd.grad

    def noted(tops, leaves, *args, **options):
        gradients = grad(tops, leaves, *args, **options)
        found.update((id(leaf), gradient) for leaf, gradient in zip(leaves, gradients, strict=True))
        return gradients

    monkeypatch.setattr(torch.autograd, "grad", noted)
    list(time._by_layer(net, {}, 1))
    net.data["digits"].position -= 1  # the batch that was drawn last
    torch.autograd.backward(net.loss(net()))
    net.close()
    for blobs in net.params.values():
        for blob in blobs:
            torch.testing.assert_close(found[id(blob)], blob.grad)
