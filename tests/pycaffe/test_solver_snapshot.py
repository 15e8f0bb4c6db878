"""Snapshots through pycaffe: `snapshot_diff` keeps the diffs that a script sees."""

from __future__ import annotations

import numpy as np

from netspec import pycaffe as caffe
from netspec.schema.messages import NetParameter

NET = """name: "small"
layer { name: "x" type: "DummyData" top: "x"
  dummy_data_param { shape { dim: 4 dim: 3 } data_filler { type: "gaussian" } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1
  reduction_param { operation: SUMSQ } }
"""
SOLVER = """net: "net.prototxt"
base_lr: 0.01
lr_policy: "fixed"
momentum: 0.9
snapshot_prefix: "s"
snapshot_diff: true
"""


def test_snapshot_diff_keeps_the_diffs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    solver = caffe.get_solver("solver.prototxt")
    solver.step(2)
    solver.net.params["ip"][1].diff[...] = 7
    solver.snapshot()
    net = NetParameter.FromString((tmp_path / "s_iter_2.caffemodel").read_bytes())
    (saved,) = [layer.blobs for layer in net.layer if layer.name == "ip"]
    np.testing.assert_array_equal(saved[0].diff, solver.net.params["ip"][0].diff.ravel())
    assert any(saved[0].diff)
    assert list(saved[1].diff) == [7, 7]
    solver.restore("s_iter_2.solverstate")
    assert solver.iter == 2
