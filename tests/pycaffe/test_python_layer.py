"""Layers of type Python, on the net's own blobs."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import netspec.pycaffe as caffe

pytestmark = pytest.mark.usefixtures("memory")

MODULE = '''
import caffe
import numpy as np


class Tenfold(caffe.Layer):
    def setup(self, bottom, top):
        self.calls = []

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = 10 * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        self.calls.append(list(propagate_down))
        bottom[0].diff[...] = 10 * top[0].diff


class Counter(caffe.Layer):
    """Draws numbers, one after the other."""

    def setup(self, bottom, top):
        self.size, self.next = int(self.param_str), 0
        top[0].reshape(self.size)
        top[1].reshape(self.size, 1)

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        top[0].data[...] = np.arange(self.next, self.next + self.size)
        top[1].data[...] = -1
        self.next += self.size

    def backward(self, top, propagate_down, bottom):
        pass


class Euclid(caffe.Layer):
    """Half the mean squared distance; keeps the difference in a blob's gradient."""

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("two bottoms")

    def reshape(self, bottom, top):
        if bottom[0].count != bottom[1].count:
            raise ValueError("unlike")
        self.diff = np.zeros_like(bottom[0].data, dtype=np.float32)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.diff[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = np.sum(self.diff ** 2) / bottom[0].num / 2.0

    def backward(self, top, propagate_down, bottom):
        for side, sign in ((0, 1), (1, -1)):
            if propagate_down[side]:
                bottom[side].diff[...] = top[0].diff[0] * sign * self.diff / bottom[side].num


class Offset(caffe.Layer):
    """Adds a number that is learned."""

    def setup(self, bottom, top):
        self.blobs.add_blob(1)
        self.blobs[0].data[0] = 2

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data + self.blobs[0].data[0]

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[0] += top[0].diff.sum()
        bottom[0].diff[...] = top[0].diff


class Phase(caffe.Layer):
    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        top[0].data[()] = self.phase


class Ready(caffe.Layer):
    """Keeps all that setup sees; a top that is filled there, and another that is the bottom with a factor."""

    def setup(self, bottom, top):
        self.bottom, self.top = bottom, top
        self.blobs.add_blob(2)
        self.weight = self.blobs[0].data
        self.weight[...] = 3
        top[0].reshape(2)
        top[0].data[...] = [4, 5]
        top[1].reshape(*bottom[0].shape)

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        self.top[1].data[...] = self.blobs[0].data[0] * self.bottom[0].data


class Broken(caffe.Layer):
    def setup(self, bottom, top):
        raise RuntimeError("as it should")


class BrokenLater(Tenfold):
    def forward(self, bottom, top):
        raise ZeroDivisionError("later")
'''


def python(name, cls, bottoms, tops, more="", param_str=""):
    sides = "".join(f' bottom: "{blob}"' for blob in bottoms) + "".join(f' top: "{blob}"' for blob in tops)
    return f"""layer {{ name: "{name}" type: "Python"{sides} {more}
      python_param {{ module: "py_layers" layer: "{cls}" param_str: "{param_str}" }} }}
    """


INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }\n'
CHAIN = INPUT + python("one", "Tenfold", ["x"], ["one"]) + python("two", "Tenfold", ["one"], ["two"])


@pytest.fixture
def make(make, folder):
    (folder / "py_layers.py").write_text(MODULE)
    yield make
    sys.modules.pop("py_layers", None)


def test_forward_and_backward(make):
    net = make("force_backward: true " + CHAIN, caffe.TRAIN)
    assert (net.forward(x=np.full((2, 3), 8))["two"] == 800).all()
    net.blobs["two"].diff[...] = 7
    assert (net.backward()["x"] == 700).all()


def test_backward_needs_no_forward(make):
    net = make("force_backward: true " + CHAIN, caffe.TRAIN)
    net.blobs["two"].diff[...] = 7
    net.backward()
    assert (net.blobs["x"].diff == 700).all()


def test_the_layers_of_a_net_are_the_user_s_objects(make):
    net = make("force_backward: true " + CHAIN, caffe.TRAIN)
    one = net.layers[1]
    assert (type(one).__name__, one.type, len(one.blobs)) == ("Tenfold", "Python", 0)
    assert isinstance(one, caffe.Layer)
    net.forward()
    net.backward()
    assert one.calls == [[True]]
    one.kept = 5
    assert net.layer_dict["one"].kept == 5


def test_shapes_follow_the_bottoms(make):
    net = make(CHAIN, caffe.TRAIN)
    net.blobs["x"].reshape(4, 5, 6)
    net.forward()
    assert net.blobs["two"].data.shape == (4, 5, 6)
    net.blobs["x"].reshape(1, 2)
    net.reshape()
    assert tuple(net.blobs["two"].shape) == (1, 2)


def test_a_layer_that_draws(make):
    net = make(python("draw", "Counter", [], ["number", "label"], param_str="4"), caffe.TRAIN)
    for first in (0, 4, 8):
        net.forward()
        assert net.blobs["number"].data.tolist() == [first, first + 1, first + 2, first + 3]
    assert net.blobs["label"].data.shape == (4, 1)
    assert net.layers[0].next == 12


def test_a_loss(make, rng):
    net = make(
        """force_backward: true
        layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: 4 dim: 3 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
          inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
        """
        + python("loss", "Euclid", ["y", "t"], ["loss"], "loss_weight: 0.5"),
        caffe.TRAIN,
    )
    x, t = rng.normal(size=(2, 4, 3)).astype(np.float32)
    out = net.forward(x=x, t=t)
    y = net.blobs["y"].data
    np.testing.assert_allclose(out["loss"], [((y - t) ** 2).sum() / 8], rtol=1e-5)
    assert net._forward(0, 2) == pytest.approx(0.5 * float(out["loss"][0]))
    diffs = net.backward()
    np.testing.assert_allclose(net.blobs["y"].diff, 0.5 * (y - t) / 4, rtol=1e-5)
    np.testing.assert_allclose(diffs["t"], -0.5 * (y - t) / 4, rtol=1e-5)
    np.testing.assert_allclose(net.params["ip"][1].diff, net.blobs["y"].diff.sum(0), rtol=1e-4)


def test_a_layer_with_a_blob_of_its_own(make):
    text = "force_backward: true " + INPUT + python("add", "Offset", ["x"], ["y"])
    net = make(text, caffe.TRAIN)
    layer = net.layers[list(net._layer_names).index("add")]
    assert layer.blobs[0].data[0] == net.params["add"][0].data[0] == 2
    assert (net.forward(x=np.ones((2, 3)))["y"] == 3).all()
    for times in (1, 2):
        net.backward(y=np.ones((2, 3)))
        assert layer.blobs[0].diff[0] == 6 * times
    net.clear_param_diffs()
    assert layer.blobs[0].diff[0] == 0
    layer.blobs[0].data[0] += 5
    net.save("w.caffemodel")
    layer.blobs[0].data[0] = -1
    assert (net.forward()["y"] == 0).all()
    net.copy_from("w.caffemodel")
    assert layer.blobs[0].data[0] == 7
    other = make(text, caffe.TRAIN)
    other.share_with(net)
    assert other.layers[1].blobs[0].data[0] == 7
    assert (other.forward(x=np.zeros((2, 3)))["y"] == 7).all()


def test_what_setup_filled_and_kept(make, folder, memory):
    text = INPUT + python("ready", "Ready", ["x"], ["grid", "y"])
    net = make(text, caffe.TEST)
    assert net.blobs["grid"].data.tolist() == [4, 5]
    outputs = net.forward(x=np.ones((2, 3)))
    assert (outputs["grid"].tolist(), outputs["y"].tolist()) == ([4, 5], [[3, 3, 3]] * 2)
    net.params["ready"][0].data[...] = 2
    assert (net.forward()["y"] == 2).all()
    if memory == "together":
        assert net.layers[1].weight.tolist() == [2, 2]


@pytest.mark.parametrize("phase", [caffe.TRAIN, caffe.TEST])
def test_the_phase(make, phase):
    net = make(python("phase", "Phase", [], ["phase"]), phase)
    assert net.forward()["phase"] == phase


def test_what_a_layer_raises_comes_out_as_it_is(make):
    with pytest.raises(RuntimeError, match=r"^as it should$"):
        make(INPUT + python("bad", "Broken", ["x"], ["y"]), caffe.TRAIN)
    net = make(INPUT + python("bad", "BrokenLater", ["x"], ["y"]), caffe.TRAIN)
    with pytest.raises(ZeroDivisionError, match=r"^later$"):
        net.forward()
    with pytest.raises(Exception, match=r"^two bottoms$"):
        make(INPUT + python("bad", "Euclid", ["x"], ["y"]), caffe.TRAIN)


def test_a_module_that_is_not_there(make):
    with pytest.raises(ImportError):
        make(INPUT + python("bad", "Tenfold", ["x"], ["y"]).replace("py_layers", "gone"), caffe.TRAIN)


def test_a_module_finds_all_of_caffe(make, folder):
    (folder / "py_layers.py").write_text(MODULE + "\nassert caffe.io.Transformer\nassert caffe.Net\n")
    sys.modules.pop("caffe", None)
    net = make(CHAIN, caffe.TRAIN)
    assert (net.forward(x=np.ones((2, 3)))["two"] == 100).all()


def test_training_with_python_layers(make, folder):
    net = (
        python("draw", "Counter", [], ["number", "label"], param_str="4")
        + """layer { name: "scale" type: "Power" bottom: "number" top: "small" power_param { scale: 0.01 } }
        layer { name: "ip" type: "InnerProduct" bottom: "small" top: "y"
          inner_product_param { num_output: 1 weight_filler { type: "xavier" } axis: 1 } }
        """.replace('bottom: "small"', 'bottom: "column"').replace(
            'layer { name: "ip"',
            'layer { name: "column" type: "Reshape" bottom: "small" top: "column" '
            'reshape_param { shape { dim: 0 dim: 1 } } } layer { name: "ip"',
        )
        + python("add", "Offset", ["y"], ["z"])
        + python("loss", "Euclid", ["z", "label"], ["loss"], "loss_weight: 1")
    )
    (folder / "net.prototxt").write_text(net)
    (folder / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.2 lr_policy: "fixed" max_iter: 50'
    )
    solver = caffe.SGDSolver("solver.prototxt")
    solver.step(1)
    first = float(solver.net.blobs["loss"].data[0])
    before = float(solver.net.params["add"][0].data[0])
    solver.step(30)
    assert float(solver.net.blobs["loss"].data[0]) < 0.01 * first
    assert float(solver.net.params["add"][0].data[0]) != before
    assert solver.net.layers[0].next == 31 * 4
