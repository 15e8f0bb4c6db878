"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec, Top
from netspec.text.printer import print_message

XAVIER = {"weight_filler": {"type": "xavier"}}
NETS = {
    "stn": "Finds a digit on a cluttered canvas of 100 x 100 pixels, and reads it enlarged.",
    "baseline": "The classifier of stn.prototxt alone, on all of the canvas.",
}

DATA = """\
layer {{
  name: "digits"
  type: "ImageData"
  top: "data"
  top: "label"
  include {{ phase: {phase} }}
  transform_param {{ scale: 0.00390625 }}  # 0 to 255 becomes 0 to 1
  image_data_param {{
    source: "mnist_cluttered_{half}/list.txt"
    batch_size: {batch}
    is_color: false{shuffle}
  }}
}}
"""
DATA = DATA.format(phase="TRAIN", half="train", batch=64, shuffle="\n    shuffle: true") + DATA.format(
    phase="TEST", half="test", batch=100, shuffle=""
)

SOLVER = """\
# Trains {net}.prototxt for 6 epochs.
net: "{net}.prototxt"
random_seed: 1

test_iter: 100  # all 10,000 test images
test_interval: 938
test_initialization: false

type: "Adam"
momentum: 0.9
momentum2: 0.999
base_lr: 0.002
lr_policy: "poly"
power: 1
max_iter: 5628

display: 134
snapshot_prefix: "stn_blog_{net}"
solver_mode: CPU
"""


def averaged(n: NetSpec, name: str, bottom: Top, times: int) -> Top:
    """Averages of small squares: a smaller image that has lost no ink between its pixels."""
    n[name] = L.Pooling(bottom, pool="AVE", kernel_size=times, stride=times)
    return n[name]


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


def window(n: NetSpec, quarter: Top) -> Top:
    x = hidden(n, "loc_fc", conv(n, "loc2", conv(n, "loc1", quarter, 16), 32), 64)
    # Down and right, from the middle, and never so far that the window leaves the canvas: Adam takes full
    # steps while the classifier knows nothing yet, and from a window without the digit no gradient comes.
    n.place = L.InnerProduct(
        x,
        param=[{"lr_mult": 0.1}, {"lr_mult": 0.1}],
        num_output=2,
        weight_filler={"type": "constant"},
        bias_filler={"type": "constant"},
    )
    n.place_tanh = L.TanH(n.place, in_place=True)
    n.theta = L.Power(n.place, scale=0.5)
    n.st = L.SpatialTransformer(
        averaged(n, "half", n.data, 2),
        n.theta,
        st_param={
            "transform_type": "attention",
            "scale": 0.5,
            "output_H": 25,
            "output_W": 25,
            "to_compute_dU": False,
        },
    )
    return n.st


def net(name: str) -> NetSpec:
    n = NetSpec()
    n.data, n.label = L.ImageData(ntop=2)  # gives way to DATA
    quarter = averaged(n, "quarter", n.data, 4)
    x = window(n, quarter) if name == "stn" else quarter
    x = hidden(n, "fc", conv(n, "conv2", conv(n, "conv1", x, 16), 32), 64)
    n.score = L.InnerProduct(x, num_output=10, **XAVIER)
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label, include={"phase": "TEST"})
    return n


def main(folder: Path) -> None:
    for name, what in NETS.items():
        proto = net(name).to_proto()
        del proto.layer[0]
        text = f'# {what}\n# Written by generate.py.\nname: "stn_blog_{name}"\n{DATA}{print_message(proto)}'
        (folder / f"{name}.prototxt").write_text(text)
        (folder / f"{name}_solver.prototxt").write_text(SOLVER.format(net=name))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
