"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec, Top
from netspec.text.printer import print_message

SETS = {"r": "turned", "rts": "turned, scaled and moved", "p": "projected", "e": "bent"}
TRANSFORMS = {"affine": "1 0 0 0 1 0", "projective": "1 0 0 0 1 0 0 0", "tps": None}
XAVIER = {"weight_filler": {"type": "xavier"}}

DATA = """\
layer {{
  name: "digits"
  type: "Data"
  top: "data"
  top: "label"
  include {{ phase: {phase} {stage} }}
  transform_param {{ scale: 0.00390625 }}  # 0 to 255 becomes 0 to 1
  data_param {{ source: "mnist_{name}_{half}_lmdb" backend: LMDB batch_size: {batch}{shuffle} }}
}}
"""

SOLVER = """\
# The paper's recipe, on digits that are {what}.
net: "{net}.prototxt"
train_state {{ stage: "{name}" }}
test_state {{ stage: "{name}" }}
random_seed: 1

test_iter: 40  # all 10,000 test digits
test_interval: 5000
test_initialization: false

base_lr: 0.01
lr_policy: "step"
gamma: 0.1
stepsize: 50000
max_iter: 150000

display: 1000
snapshot: 50000
snapshot_prefix: "{net}_{name}"
solver_mode: CPU
"""

SHORT = """\
# A recipe for a few minutes on two cores: {epochs} epochs, with momentum, and a rate that falls to nothing.
net: "{net}.prototxt"
train_state {{ stage: "{name}" }}
test_state {{ stage: "{name}" }}
random_seed: 1

test_iter: 40  # all 10,000 test digits
test_interval: 235
test_initialization: false

base_lr: 0.05
lr_policy: "poly"
power: 1
momentum: 0.9
weight_decay: 0.0001
max_iter: {iterations}

display: 235
snapshot_prefix: "{net}_{name}"
solver_mode: CPU
"""
EPOCHS = 5


def data() -> str:
    """The layers of all sets; a net without a stage gets the first."""
    others = " ".join(f'not_stage: "{name}"' for name in list(SETS)[1:])
    return "".join(
        DATA.format(
            phase=phase,
            stage=others if name == "r" else f'stage: "{name}"',
            name=name,
            half=half,
            batch=batch,
            shuffle=" shuffle: true" if half == "train" else "",
        )
        for name in SETS
        for phase, half, batch in (("TRAIN", "train", 256), ("TEST", "test", 250))
    )


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


def transformed(n: NetSpec, classifier: str, transform: str) -> Top:
    """The digits as a transformer of their own sees them."""
    if classifier == "fcn":
        x = n.data
        for number in (1, 2, 3):
            x = hidden(n, f"loc{number}", x, 32)
    else:
        n.loc_half = L.Pooling(n.data, pool="AVE", kernel_size=2, stride=2)
        x = conv(n, "loc1", n.loc_half, 20, 5)
        n.loc2 = L.Convolution(x, num_output=20, kernel_size=5, **XAVIER)
        n.loc2_relu = L.ReLU(n.loc2, in_place=True)
        x = hidden(n, "loc3", n.loc2, 20)
    at_rest = TRANSFORMS[transform]
    # A tenth of the rate: what moves the window moves all that the classifier has learned.
    n.theta = L.InnerProduct(
        x,
        param=[{"lr_mult": 0.1}, {"lr_mult": 0.1}],
        num_output=len(at_rest.split()) if at_rest else 32,
        weight_filler={"type": "constant"},
        bias_filler={"type": "file", "file": f"{transform}.txt"} if at_rest else {"type": "constant"},
    )
    n.st = L.SpatialTransformer(
        n.data, n.theta, st_param={"transform_type": transform, "to_compute_dU": False}
    )
    return n.st


def net(classifier: str, transform: str | None) -> NetSpec:
    n = NetSpec()
    n.data, n.label = L.Data(ntop=2)  # gives way to data()
    x = transformed(n, classifier, transform) if transform else n.data
    if classifier == "fcn":
        x = hidden(n, "fc2", hidden(n, "fc1", x, 256), 200)
    else:
        x = conv(n, "conv2", conv(n, "conv1", x, 32, 9), 64, 7)
    n.score = L.InnerProduct(x, num_output=10, **XAVIER)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label, include={"phase": "TEST"})
    return n


def main(folder: Path) -> None:
    for transform, at_rest in TRANSFORMS.items():
        if at_rest:
            (folder / f"{transform}.txt").write_text(f"{at_rest}\n")
    for classifier in ("fcn", "cnn"):
        for transform in (None, *TRANSFORMS):
            name = f"st_{classifier}_{transform}" if transform else classifier
            proto = net(classifier, transform).to_proto()
            del proto.layer[0]
            what = f"{classifier.upper()}{f' behind a transformer, {transform}' if transform else ''}"
            text = f'# {what}. Written by generate.py.\nname: "{name}"\n{data()}{print_message(proto)}'
            (folder / f"{name}.prototxt").write_text(text)
            for set, digits in SETS.items():
                solver = SOLVER.format(net=name, name=set, what=digits)
                (folder / f"{name}_{set}_solver.prototxt").write_text(solver)
    for name in ("cnn", "st_cnn_affine"):
        short = SHORT.format(net=name, name="r", epochs=EPOCHS, iterations=EPOCHS * 235)
        (folder / f"{name}_r_short_solver.prototxt").write_text(short)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
