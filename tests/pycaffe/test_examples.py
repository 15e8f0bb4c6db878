"""What scripts for Caffe do all day, whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

import netspec.pycaffe as caffe
from netspec.pycaffe import layers as L
from netspec.pycaffe import params as P

ROOT = Path(__file__).parents[2]

FULLY_CONNECTED = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 12 dim: 12 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "fc1" type: "InnerProduct" bottom: "pool" top: "fc1"
  inner_product_param { num_output: 7 weight_filler { type: "xavier" } bias_filler { value: 0.1 } } }
layer { name: "relu1" type: "ReLU" bottom: "fc1" top: "fc1" }
layer { name: "fc2" type: "InnerProduct" bottom: "fc1" top: "fc2"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc2" top: "prob" }
"""


def convolutional(text, kernel):
    """The net with convolutions, named otherwise, in the place of its InnerProduct layers."""
    for name, size, count in (("fc1", kernel, 7), ("fc2", 1, 3)):
        start = text.index(f'layer {{ name: "{name}" type: "InnerProduct"')
        stop = text.index("layer {", start + 1)
        bottom = "pool" if name == "fc1" else "fc1"
        layer = f"""layer {{ name: "{name}-conv" type: "Convolution" bottom: "{bottom}" top: "{name}"
          convolution_param {{ num_output: {count} kernel_size: {size} }} }}
        """
        text = text[:start] + layer + text[stop:]
    return text


def test_net_surgery_from_fully_connected_to_convolutional(folder, make, rng):
    classifier = make(FULLY_CONNECTED)
    classifier.save("classifier.caffemodel")
    (folder / "conv.prototxt").write_text(convolutional(FULLY_CONNECTED, 5))
    dense = caffe.Net("conv.prototxt", "classifier.caffemodel", caffe.TEST)
    for name in ("fc1", "fc2"):
        for kind in (0, 1):  # in C order the weights of both are alike
            dense.params[f"{name}-conv"][kind].data.flat = classifier.params[name][kind].data.flat
    image = rng.normal(size=(1, 2, 30, 26))
    dense.blobs["data"].reshape(*image.shape)
    dense.blobs["data"].data[...] = image
    scores = dense.forward()["prob"]
    assert scores.shape == (1, 3, 10, 8)
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-5)
    for row, column in [(0, 0), (9, 7), (3, 5)]:
        window = image[:, :, 2 * row : 2 * row + 12, 2 * column : 2 * column + 12]
        expected = classifier.forward(data=window)["prob"][0]
        np.testing.assert_allclose(scores[0, :, row, column], expected, rtol=1e-4)
    dense.save("dense.caffemodel")
    again = caffe.Net("conv.prototxt", caffe.TEST, weights="dense.caffemodel")
    np.testing.assert_array_equal(again.params["fc1-conv"][0].data, dense.params["fc1-conv"][0].data)


XAVIER = {"type": "xavier"}


def lenet(batch):
    n = caffe.NetSpec()
    n.data = L.Input(shape=[{"dim": [batch, 1, 28, 28]}])
    n.label = L.Input(shape=[{"dim": [batch]}])
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=8, weight_filler=XAVIER)
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=16, weight_filler=XAVIER)
    n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool2, num_output=64, weight_filler=XAVIER)
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=10, weight_filler=XAVIER)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()


def digits(rng, count):
    """Digits, somewhere near the middle."""
    labels = rng.integers(10, size=count)
    images = np.zeros((count, 1, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        place = (int(rng.integers(4, 9)), int(rng.integers(19, 25)))
        cv2.putText(image[0], str(label), place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
    return images / 255, labels


@pytest.fixture
def trained(folder, rng):
    """A solver whose LeNet was stepped by hand, and its losses."""
    caffe.set_random_seed(0)
    (folder / "lenet.prototxt").write_text(str(lenet(32)))
    (folder / "solver.prototxt").write_text(
        'train_net: "lenet.prototxt" base_lr: 0.05 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed"'
    )
    solver = caffe.SGDSolver("solver.prototxt")
    losses = []
    for _ in range(50):
        solver.net.blobs["data"].data[...], solver.net.blobs["label"].data[...] = digits(rng, 32)
        solver.step(1)
        losses.append(solver.net.blobs["loss"].data.copy())
    return solver, losses


def test_a_lenet_written_in_python_trains(trained, rng):
    solver, losses = trained
    assert losses[0] > 2
    assert np.mean(losses[-5:]) < 0.3
    images, labels = digits(rng, 96)
    scores = []
    for part in np.split(np.arange(96), 3):
        solver.net.forward(end="score", data=images[part], label=labels[part])
        scores.append(solver.net.blobs["score"].data.copy())
    assert (np.concatenate(scores).argmax(1) == labels).mean() > 0.9


def test_filters_are_plotted_from_the_params(trained, folder):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    solver, _ = trained
    filters = solver.net.params["conv1"][0].data
    assert filters.shape == (8, 1, 5, 5)
    tiles = np.pad(filters[:, 0], ((0, 0), (0, 1), (0, 1)), constant_values=filters.min())
    pyplot.imsave("filters.png", tiles.reshape(2, 4, 6, 6).transpose(0, 2, 1, 3).reshape(12, 24), cmap="gray")
    assert cv2.imread("filters.png").shape == (12, 24, 3)
    assert np.ptp(cv2.imread("filters.png")) > 200


def run(script, *args):
    return subprocess.run(
        [sys.executable, "-m", "netspec.pycaffe", str(script), *args],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_theta_playground(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    source = ROOT / "models" / "theta_playground"
    for name in ("playground.py", "playground.prototxt"):
        shutil.copy(source / name, folder)
    done = run("playground.py")
    assert (done.returncode, done.stderr) == (0, "")
    strip = cv2.imread("strip.png")
    picture = cv2.imread(str(source / "strip.png"))  # the README's
    assert np.abs(strip.astype(float) - picture).mean() < 1
    width = 96 + 4
    assert strip.shape == (2 * 96 + 4, 9 * width - 4, 3)
    views = [strip[100:, step * width : step * width + 96].astype(float) for step in range(9)]
    # A step of 0.2 is a tenth of the image's 96 pixels, and the window shows them at twice the size.
    for one, other in pairwise(views[2:7]):
        moved = cv2.warpAffine(one, np.float64([[1, 0, -19.2], [0, 1, -19.2]]), (96, 96))
        assert np.abs(moved - other)[:75, :75].mean() < 3
    assert not views[0][:20].any()  # nothing is there beyond the border
    done = run("playground.py", "--image", "gone.png")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "cannot read the image 'gone.png'")
