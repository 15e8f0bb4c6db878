"""A folder to work in, nets from text, and the two ways in which arrays and tensors share numbers."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import netspec.pycaffe as caffe
from netspec.pycaffe import modes
from netspec.pycaffe.memory import Memory

DATA = (
    'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 2 dim: 6 dim: 5 } } }'
)
LABEL = 'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }'

CONV = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 3
    weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "constant" value: 0.1 } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "scores"
  inner_product_param { num_output: 5 weight_filler { type: "gaussian" std: 0.3 } } }
"""

# Scores and labels go to two layers each; the data's gradient is wanted.
TRAINED = f"""name: "trained" force_backward: true
{DATA}
{LABEL}
{CONV}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss" }}
layer {{ name: "accuracy" type: "Accuracy" bottom: "scores" bottom: "label" top: "accuracy" }}
"""

DEPLOYED = f"""name: "deployed"
{DATA}
{CONV}
layer {{ name: "prob" type: "Softmax" bottom: "scores" top: "prob" }}
"""

# Draws its data; the labels are constant.
DRAWN = """name: "drawn"
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 5 dim: 2 dim: 3 dim: 4 } shape { dim: 5 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 7 weight_filler { type: "gaussian" std: 1 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""

SOLVER = """
net: "net.prototxt" base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "inv" gamma: 0.1 power: 0.75
test_iter: 2 test_interval: 5 max_iter: 10 snapshot_after_train: false snapshot_prefix: "model" random_seed: 3
"""


@pytest.fixture
def nets():
    """The texts of nets, and of a solver, that several tests use."""
    return SimpleNamespace(trained=TRAINED, deployed=DEPLOYED, drawn=DRAWN, solver=SOLVER)


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    """Tests leave the process as they found it: the mode, and what ``import caffe`` finds."""
    before = vars(modes._modes).copy()
    path, finders = list(sys.path), list(sys.meta_path)
    yield
    vars(modes._modes).update(before)
    sys.path[:], sys.meta_path[:] = path, finders
    for name in [name for name in sys.modules if name == "caffe" or name.startswith("caffe.")]:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def make(folder):
    """A net from its text."""

    def make(text, *args, **options):
        (folder / "net.prototxt").write_text(text)
        return caffe.Net("net.prototxt", *(args or (caffe.TEST,)), **options)

    return make


@pytest.fixture(params=["together", "apart"])
def memory(request, monkeypatch):
    """Arrays in the tensors' memory, and as on a GPU in memory of their own."""
    if request.param == "apart":
        monkeypatch.setattr(Memory, "is_apart", property(lambda self: True))
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(0)
