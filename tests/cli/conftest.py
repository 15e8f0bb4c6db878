"""A small net with a transformer, and a solver that trains it for a few iterations."""

from __future__ import annotations

from pathlib import Path

import pytest

NET = """
name: "small"
layer {
  name: "digits" type: "ClutteredDigits" top: "data" top: "label"
  cluttered_digits_param { batch_size: 4 height: 16 width: 16 digit_size: 12 clutter: 0 }
}
layer {
  name: "where" type: "InnerProduct" bottom: "data" top: "theta" param { lr_mult: 0.1 } param { lr_mult: 0.1 }
  inner_product_param { num_output: 2 }
}
layer {
  name: "look" type: "SpatialTransformer" bottom: "data" bottom: "theta" top: "seen"
  st_param { output_H: 8 output_W: 8 theta_1_1: 0.8 theta_1_2: 0 theta_2_1: 0 theta_2_2: 0.8 }
}
layer {
  name: "classify" type: "InnerProduct" bottom: "seen" top: "scores"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } }
}
layer { name: "judge" type: "Accuracy" bottom: "scores" bottom: "label" top: "accuracy"
  include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss" }
"""

SOLVER = """
net: "net.prototxt"
test_iter: 2
test_interval: 4
base_lr: 0.01
lr_policy: "step"
gamma: 0.1
stepsize: 100
display: 2
max_iter: 4
snapshot_prefix: "run"
solver_mode: CPU
random_seed: 7
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with net.prototxt and solver.prototxt in it."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path
