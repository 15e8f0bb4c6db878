"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec, Top
from netspec.text.printer import print_message

XAVIER = {"weight_filler": {"type": "xavier"}}
NETS = {
    "stn": "Turns each digit upright by one number, beta, before it reads it.",
    "baseline": "The classifier of stn.prototxt alone.",
}

DATA = """\
layer {{
  name: "digits"
  type: "Data"
  top: "data"
  top: "label"
  include {{ phase: {phase} }}
  transform_param {{ scale: 0.00390625 }}  # 0 to 255 becomes 0 to 1
  data_param {{ source: "mnist_r_{half}_lmdb" backend: LMDB batch_size: {batch}{shuffle} }}
}}
"""
DATA = DATA.format(phase="TRAIN", half="train", batch=128, shuffle=" shuffle: true") + DATA.format(
    phase="TEST", half="test", batch=250, shuffle=""
)

SOLVER = """\
# Trains {net}.prototxt for 5 epochs.
net: "{net}.prototxt"
random_seed: 1

test_iter: 40  # all 10,000 test digits
test_interval: 469
test_initialization: false

base_lr: 0.05
lr_policy: "poly"
power: 1
momentum: 0.9
weight_decay: 0.0001
max_iter: 2345

display: 235
snapshot_prefix: "stn_rotation_{net}"
solver_mode: CPU
"""


def conv(n: NetSpec, name: str, bottom: Top, channels: int) -> Top:
    """A convolution, halved by pooling."""
    n[name] = L.Convolution(bottom, num_output=channels, kernel_size=5, **XAVIER)
    n[f"{name}_pool"] = L.Pooling(n[name], pool="MAX", kernel_size=2, stride=2)
    n[f"{name}_relu"] = L.ReLU(n[f"{name}_pool"], in_place=True)
    return n[f"{name}_pool"]


def hidden(n: NetSpec, name: str, bottom: Top, units: int) -> Top:
    n[name] = L.InnerProduct(bottom, num_output=units, **XAVIER)
    n[f"{name}_relu"] = L.ReLU(n[name], in_place=True)
    return n[name]


def upright(n: NetSpec) -> Top:
    x = hidden(n, "loc_fc", conv(n, "loc2", conv(n, "loc1", n.data, 8), 16), 32)
    # Half a turn is 1. It starts at no turn, and learns slowly: one step turns all that the classifier sees.
    n.beta = L.InnerProduct(
        x,
        param=[{"lr_mult": 0.02}, {"lr_mult": 0.02}],
        num_output=1,
        weight_filler={"type": "constant"},
        bias_filler={"type": "constant"},
    )
    n.st = L.SpatialTransformer(
        n.data, n.beta, st_param={"transform_type": "rotation", "grid": "HALF_PIXEL", "to_compute_dU": False}
    )
    return n.st


def net(name: str) -> NetSpec:
    n = NetSpec()
    n.data, n.label = L.Data(ntop=2)  # gives way to DATA
    x = upright(n) if name == "stn" else n.data
    x = hidden(n, "fc", conv(n, "conv2", conv(n, "conv1", x, 16), 32), 64)
    n.score = L.InnerProduct(x, num_output=10, **XAVIER)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label, include={"phase": "TEST"})
    return n


def main(folder: Path) -> None:
    for name, what in NETS.items():
        proto = net(name).to_proto()
        del proto.layer[0]
        text = (
            f'# {what}\n# Written by generate.py.\nname: "stn_rotation_{name}"\n{DATA}{print_message(proto)}'
        )
        (folder / f"{name}.prototxt").write_text(text)
        (folder / f"{name}_solver.prototxt").write_text(SOLVER.format(net=name))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
