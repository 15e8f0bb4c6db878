"""Small nets against what real builds of Caffe and of its forks computed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from netspec import compile_net
from netspec.layers.registry import find_layer
from netspec.schema.document import read_document
from netspec.schema.messages import NetParameter

_FOLDER = Path(__file__).parents[1] / "golden" / "layers"
_FORWARD, _BACKWARD = 2e-5, 2e-4  # relative to the largest entry


def _compile(path):
    document, _ = read_document(path, NetParameter)
    missing = sorted({layer.type for layer in document.message.layer if find_layer(layer.type) is None})
    if missing:
        pytest.skip(f"no layer type {', '.join(missing)} in the catalogue")
    phase = "TRAIN" if "phase: TRAIN" in path.read_text().partition("\n")[0] else "TEST"
    return compile_net(path, phase=phase, seed=0)


def _assert_close(found, expected, tolerance):
    largest = max(np.abs(expected).max(initial=0), 1e-30)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("path", sorted(_FOLDER.glob("*.prototxt")), ids=lambda path: path.stem)
def test_golden(path):
    net = _compile(path)
    arrays = dict(np.load(path.with_suffix(".npz")))
    recorded = {
        kind: {} for kind in ("input", "param", "top", "top_diff", "input_diff", "param_diff", "param_after")
    }
    for key, array in arrays.items():
        kind, _, name = key.partition("/")
        recorded[kind][name] = array

    def blob(name):
        layer, index = name.rsplit("/", 1)
        return net.params[layer][int(index)]

    with torch.no_grad():
        for name, array in recorded["param"].items():
            blob(name).copy_(torch.from_numpy(array))
    inputs = {name: torch.from_numpy(array).requires_grad_() for name, array in recorded["input"].items()}
    tops = net(**inputs)
    for name, array in recorded["top"].items():
        assert tops[name].shape == array.shape
        _assert_close(tops[name], array, _FORWARD)
    for name, array in recorded["param_after"].items():
        _assert_close(blob(name), array, _FORWARD)
    if not (recorded["input_diff"] or recorded["param_diff"]):
        return
    if not (net.loss_weights or net.graph.force_backward):
        # Caffe runs no backward pass where there is neither a loss nor force_backward: it recorded zeros.
        assert not any(array.any() for array in recorded["param_diff"].values())
        return
    diffs = recorded["top_diff"]
    start = sum((tops[name] * torch.from_numpy(array)).sum() for name, array in diffs.items())
    (start if diffs else net.loss(tops)).backward()
    for name, array in recorded["input_diff"].items():
        grad = inputs[name].grad
        _assert_close(torch.zeros(array.shape) if grad is None else grad, array, _BACKWARD)
    for name, array in recorded["param_diff"].items():
        _assert_close(blob(name).grad, array, _BACKWARD)


def test_the_recordings_are_there():
    assert len(list(_FOLDER.glob("*.npz"))) == len(list(_FOLDER.glob("*.prototxt"))) >= 99
