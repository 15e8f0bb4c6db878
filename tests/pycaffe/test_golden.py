"""Through pycaffe's interface, what real builds of Caffe and of its forks computed."""

from pathlib import Path

import numpy as np
import pytest

import netspec.pycaffe as caffe

GOLDEN = Path(__file__).parents[1] / "golden"
LAYERS = GOLDEN / "layers"
SOLVERS = sorted(path.name for path in (GOLDEN / "solver").iterdir())
FORWARD, BACKWARD = 2e-5, 2e-4  # relative to the largest entry


def assert_close(found, expected, tolerance):
    largest = max(np.abs(expected).max(initial=0), 1e-30)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * largest)


def parts(arrays, kind):
    """The recorded arrays of a kind, by the rest of their key."""
    return {key[len(kind) + 1 :]: array for key, array in arrays.items() if key.startswith(f"{kind}/")}


def param(net, key):
    layer, index = key.rsplit("/", 1)
    return net.params[layer][int(index)]


@pytest.mark.parametrize("path", sorted(LAYERS.glob("*.prototxt")), ids=lambda path: path.stem)
def test_a_layer_forward_and_backward(path):
    train = "phase: TRAIN" in path.read_text().partition("\n")[0]
    net = caffe.Net(path, caffe.TRAIN if train else caffe.TEST)
    arrays = dict(np.load(path.with_suffix(".npz")))
    for key, array in parts(arrays, "param").items():
        param(net, key).data[...] = array
    for name, array in parts(arrays, "input").items():
        net.blobs[name].data[...] = array
    net.forward()
    for name, array in parts(arrays, "top").items():
        assert net.blobs[name].data.shape == array.shape
        assert_close(net.blobs[name].data, array, FORWARD)
    for key, array in parts(arrays, "param_after").items():
        assert_close(param(net, key).data, array, FORWARD)
    if not any(key.startswith(("input_diff/", "param_diff/")) for key in arrays):
        return
    for name, array in parts(arrays, "top_diff").items():
        net.blobs[name].diff[...] = array
    net.backward()
    for name, array in parts(arrays, "input_diff").items():
        assert_close(net.blobs[name].diff, array, BACKWARD)
    for key, array in parts(arrays, "param_diff").items():
        assert_close(param(net, key).diff, array, BACKWARD)


@pytest.mark.parametrize("case", SOLVERS)
def test_a_solver_stepped_by_hand(case, tmp_path, monkeypatch):
    folder = GOLDEN / "solver" / case
    record = np.load(folder / "trajectory.npz")
    monkeypatch.chdir(tmp_path)  # where the snapshots go
    solver = caffe.get_solver(folder / "solver.prototxt")
    solver.net.copy_from(folder / "init.caffemodel")
    losses = []
    for number in range(len(record["loss"])):
        for name in ("x", "t"):
            solver.net.blobs[name].data[...] = record[f"batch/{number}/{name}"]
        solver.step(1)
        losses.append(float(solver.net.blobs["loss"].data))
    assert solver.iter == len(losses)
    np.testing.assert_allclose(losses, record["loss"], rtol=1e-4)
    last = max(int(key.split("/")[1]) for key in record if key.startswith("param/"))
    for key, expected in parts(record, f"param/{last}").items():
        assert_close(param(solver.net, key).data, expected, 1e-4)
