"""`netspec test`."""

from __future__ import annotations

import re
from statistics import fmean

import pytest
import torch

from netspec import compile_net
from netspec.cli import main


@pytest.fixture
def weights(folder):
    """A weight file of the net in the working directory."""
    compile_net("net.prototxt", seed=3).save_weights("w.caffemodel")
    return "w.caffemodel"


def messages(text):
    return [line.partition("] ")[2] for line in text.splitlines()]


def test_averages_the_batches(weights, capsys):
    assert main(["test", "-model=net.prototxt", f"-weights={weights}", "-iterations", "3"]) == 0
    captured = capsys.readouterr()
    lines = messages(captured.err)
    assert lines[:2] == ["Device cpu", "Running for 3 iterations."]
    batches = [re.fullmatch(r"Batch (\d), (\w+) = (\S+)", line).groups() for line in lines[2:8]]
    assert [batch[:2] for batch in batches] == [(i, name) for i in "012" for name in ("accuracy", "loss")]
    means = {
        name: fmean(float(batch[2]) for batch in batches if batch[1] == name) for name in ("accuracy", "loss")
    }
    assert lines[-3].startswith("Loss: ")
    accuracy, loss = (re.match(r"(?:accuracy|loss) = (\S+)", line)[1] for line in lines[-2:])
    assert float(accuracy) == pytest.approx(means["accuracy"], abs=1e-4)
    assert float(loss) == pytest.approx(means["loss"], rel=1e-4)
    assert lines[-1] == f"loss = {loss} (* 1 = {loss} loss)"
    assert captured.out.startswith(f"accuracy {100 * float(accuracy):.4g} % over 3 batches in ")


def test_uses_the_weights(folder, capsys):
    net = compile_net("net.prototxt")
    with torch.no_grad():
        for blob in net.params["classify"]:
            blob.zero_()
    net.save_weights("zero.caffemodel")
    assert main(["test", "-model", "net.prototxt", "-weights", "zero.caffemodel", "-iterations=2"]) == 0
    assert messages(capsys.readouterr().err)[-1] == "loss = 2.30259 (* 1 = 2.30259 loss)"  # log(10)


def test_says_which_layers_the_file_lacks_and_has_besides(weights, folder, capsys):
    text = (folder / "net.prototxt").read_text()
    (folder / "other.prototxt").write_text(text.replace('name: "classify"', 'name: "another"'))
    assert main(["test", "-model", "other.prototxt", "-weights", weights, "-iterations=1"]) == 0
    error = capsys.readouterr().err
    assert "] Ignoring source layer classify" in error
    assert re.search(r"^W.*\] w\.caffemodel has no layer another", error, re.M)


def test_in_the_train_phase(weights, capsys):
    argv = ["test", "-model", "net.prototxt", "-weights", weights, "-iterations=1", "-phase", "TRAIN"]
    assert main(argv) == 0
    captured = capsys.readouterr()
    assert "accuracy" not in captured.err
    assert captured.out.startswith("loss ")


def test_weights_are_needed(folder, capsys):
    assert main(["test", "-model", "net.prototxt"]) == 2
    assert "--weights" in capsys.readouterr().err
    assert main(["test", "-model", "net.prototxt", "-weights", "none.caffemodel"]) == 1
    assert "none.caffemodel" in capsys.readouterr().err


def test_the_nets_own_debug_info(weights, folder, capsys):
    text = (folder / "net.prototxt").read_text()
    (folder / "debug.prototxt").write_text(f"debug_info: true {text}")
    assert main(["test", "-model", "debug.prototxt", "-weights", weights, "-iterations=2"]) == 0
    error = capsys.readouterr().err
    losses = re.findall(r"    \[Forward\] Layer loss, top blob loss data: (\S+)", error)
    assert losses == re.findall(r"Batch \d, loss = (\S+)", error)
    assert len(losses) == 2
    assert "[Backward]" not in error


def test_layers_with_other_shapes(weights, folder, capsys):
    text = (folder / "net.prototxt").read_text()
    (folder / "wider.prototxt").write_text(text.replace("num_output: 10", "num_output: 12"))
    argv = ["test", "-model", "wider.prototxt", "-weights", weights, "-iterations=1"]
    assert main(argv) == 1
    assert "blob 0 of layer 'classify' has the shape [10, 64] in the file, but [12, 64] in the net" in (
        capsys.readouterr().err
    )
    assert main([*argv, "-ignore_mismatched"]) == 0
    error = capsys.readouterr().err
    assert re.search(r"^W.*\] w\.caffemodel has other shapes for layer classify", error, re.M)
    assert re.search(r"^I.*\] classify +1 +\[10\] +\[12\]$", error, re.M)


def test_several_weight_files_of_any_format(folder, capsys):
    net = compile_net("net.prototxt")
    with torch.no_grad():
        for blob in net.params["classify"]:
            blob.zero_()
    for file in ("a.safetensors", "b.npz", "c.caffemodel.h5"):
        net.save_weights(file)
    files = "-weights=a.safetensors, b.npz,c.caffemodel.h5"
    assert main(["test", "-model", "net.prototxt", files, "-iterations=1"]) == 0
    assert messages(capsys.readouterr().err)[-1] == "loss = 2.30259 (* 1 = 2.30259 loss)"  # log(10)
