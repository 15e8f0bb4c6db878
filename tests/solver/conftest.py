"""Solvers in a folder of their own, with whatever the test leaves out filled in."""

from __future__ import annotations

import pytest

from netspec.solver import load_solver

NET = """name: "digits"
layer { name: "data" type: "ClutteredDigits" top: "data" top: "label"
  cluttered_digits_param { batch_size: 4 height: 16 width: 16 digit_size: 12 clutter: 2 clutter_size: 4 } }
layer { name: "noise" type: "DummyData" top: "noise"
  dummy_data_param { shape { dim: 4 dim: 8 } data_filler { type: "gaussian" std: 0.1 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
  param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "ip1" bottom: "noise" top: "sum" }
layer { name: "relu" type: "ReLU" bottom: "sum" top: "sum" }
layer { name: "drop" type: "Dropout" bottom: "sum" top: "sum" dropout_param { dropout_ratio: 0.3 } }
layer { name: "ip2" type: "InnerProduct" bottom: "sum" top: "ip2" param { lr_mult: 1 } param { lr_mult: 0 }
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
  include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""

SOLVER = """net: "net.prototxt"
base_lr: 0.05
lr_policy: "fixed"
momentum: 0.9
weight_decay: 0.001
random_seed: 3
snapshot_after_train: false
snapshot_prefix: "snap"
solver_mode: CPU
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes net.prototxt and solver.prototxt into the working directory; fields replace the defaults."""
    monkeypatch.chdir(tmp_path)

    def write(fields="", net=NET, solver=SOLVER):
        given = {line.partition(":")[0].strip() for line in fields.splitlines()}
        kept = [line for line in solver.splitlines() if line.partition(":")[0] not in given]
        (tmp_path / "net.prototxt").write_text(net)
        path = tmp_path / "solver.prototxt"
        path.write_text("\n".join([*kept, fields]) + "\n")
        return path

    return write


@pytest.fixture
def make(write):
    """A solver over the small net, with these fields."""
    solvers = []

    def make(fields="", net=NET, **options):
        solvers.append(load_solver(write(fields, net), **options))
        return solvers[-1]

    yield make
    for solver in solvers:
        solver.close()
