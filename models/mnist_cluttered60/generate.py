"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec, Top
from netspec.text.printer import print_message

XAVIER = {"weight_filler": {"type": "xavier"}}
WINDOW = 28  # pixels that a transformer hands on: as many as an MNIST digit has

DATA = """\
layer {{
  name: "digits"
  type: "Data"
  top: "data"
  top: "label"
  include {{ phase: {phase} }}
  transform_param {{ scale: 0.00390625 }}  # 0 to 255 becomes 0 to 1
  data_param {{ source: "mnist_tc_{half}_lmdb" backend: LMDB batch_size: {batch}{shuffle} }}
}}
"""
DATA = DATA.format(phase="TRAIN", half="train", batch=64, shuffle=" shuffle: true") + DATA.format(
    phase="TEST", half="test", batch=250, shuffle=""
)

SOLVER = """\
# The paper's recipe: 256 digits an iteration, 64 at a time.
net: "{net}.prototxt"
random_seed: 1

test_iter: 40  # all 10,000 test digits
test_interval: 5000
test_initialization: false

iter_size: 4
base_lr: 0.01
lr_policy: "step"
gamma: 0.1
stepsize: 50000
max_iter: 150000

display: 1000
snapshot: 50000
snapshot_prefix: "{net}_tc"
solver_mode: CPU
"""

SHORT = """\
# A recipe for some minutes on one core: 64 digits an iteration, momentum, a rate that falls to nothing.
net: "{net}.prototxt"
random_seed: 1

test_iter: 40  # all 10,000 test digits
test_interval: 1000
test_initialization: false

base_lr: 0.02
lr_policy: "poly"
power: 1
momentum: 0.9
weight_decay: 0.0005
max_iter: 4000

display: 100
snapshot_prefix: "{net}_tc"
solver_mode: CPU
"""


def hidden(n: NetSpec, name: str, bottom: Top, units: int) -> Top:
    n[name] = L.InnerProduct(bottom, num_output=units, **XAVIER)
    n[f"{name}_relu"] = L.ReLU(n[name], in_place=True)
    return n[name]


def conv(n: NetSpec, name: str, bottom: Top, channels: int, kernel: int) -> Top:
    """A convolution, halved by pooling."""
    n[name] = L.Convolution(bottom, num_output=channels, kernel_size=kernel, **XAVIER)
    n[f"{name}_pool"] = L.Pooling(n[name], pool="MAX", kernel_size=2, stride=2)
    n[f"{name}_relu"] = L.ReLU(n[f"{name}_pool"], in_place=True)
    return n[f"{name}_pool"]


def transformed(n: NetSpec, classifier: str) -> Top:
    """The window in which a transformer of its own sees the digit."""
    # Finding a digit needs no detail: a third of the resolution will do.
    n.loc_third = L.Pooling(n.data, pool="AVE", kernel_size=3, stride=3)
    if classifier == "fcn":
        x = n.loc_third
        for number in (1, 2, 3):
            x = hidden(n, f"loc{number}", x, 32)
    else:
        x = conv(n, "loc2", conv(n, "loc1", n.loc_third, 20, 5), 20, 3)
        x = hidden(n, "loc3", x, 32)
    # A fiftieth of the rate: a window that jumps loses the digit.
    n.theta = L.InnerProduct(
        x,
        param=[{"lr_mult": 0.02}, {"lr_mult": 0.02}],
        num_output=6,
        weight_filler={"type": "constant"},
        bias_filler={"type": "file", "file": "middle.txt"},
    )
    n.st = L.SpatialTransformer(
        n.data, n.theta, st_param={"output_H": WINDOW, "output_W": WINDOW, "to_compute_dU": False}
    )
    return n.st


def net(classifier: str, with_transformer: bool) -> NetSpec:
    n = NetSpec()
    n.data, n.label = L.Data(ntop=2)  # gives way to DATA
    x = transformed(n, classifier) if with_transformer else n.data
    if classifier == "fcn":
        x = hidden(n, "fc2", hidden(n, "fc1", x, 256), 200)
    else:
        x = conv(n, "conv2", conv(n, "conv1", x, 32, 9), 32, 7)
    n.score = L.InnerProduct(x, num_output=10, **XAVIER)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label, include={"phase": "TEST"})
    return n


def main(folder: Path) -> None:
    (folder / "middle.txt").write_text("0.6 0 0 0 0.6 0\n")
    for classifier in ("fcn", "cnn"):
        for name in (classifier, f"st_{classifier}"):
            proto = net(classifier, name != classifier).to_proto()
            del proto.layer[0]
            what = classifier.upper() + (" behind a transformer" if name != classifier else "")
            text = f'# {what}. Written by generate.py.\nname: "{name}"\n{DATA}{print_message(proto)}'
            (folder / f"{name}.prototxt").write_text(text)
            (folder / f"{name}_solver.prototxt").write_text(SOLVER.format(net=name))
    for name in ("cnn", "st_cnn"):
        (folder / f"{name}_short_solver.prototxt").write_text(SHORT.format(net=name))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
