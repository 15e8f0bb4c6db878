"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec, Top
from netspec.text.printer import print_message

VARIANTS = {
    "conv": "The net of PyTorch's tutorial on spatial transformers.",
    "coordconv": "The tutorial's net, with a CoordConv in the place of each convolution.",
    "leakyrelu": "The tutorial's net with CoordConvs, and leaky ReLUs in the place of ReLUs.",
}

RATE = "# Published so: theta learns as fast as the rest. netspec: ignore[theta-learning-rate]\n"

# PyTorch's inputs are (x / 255 - 0.1307) / 0.3081.
DATA = """\
layer {{
  name: "mnist"
  type: "Data"
  top: "data"
  top: "label"
  include {{ phase: {phase} }}
  transform_param {{ mean_value: 33.3285 scale: 0.012728284 }}
  data_param {{ source: "mnist_{half}_lmdb" backend: LMDB batch_size: {batch}{shuffle} }}
}}
"""
DATA = DATA.format(phase="TRAIN", half="train", batch=64, shuffle=" shuffle: true") + DATA.format(
    phase="TEST", half="test", batch=1000, shuffle=""
)

SOLVERS = {
    "solver": """\
# The published recipe: 50 epochs of 938 iterations, no momentum, one rate.
net: "{name}.prototxt"
random_seed: 1

test_iter: 10  # all 10,000 test digits
test_interval: 4690
test_initialization: false

base_lr: 0.01
lr_policy: "fixed"
max_iter: 46900

display: 938
snapshot_prefix: "{name}"
solver_mode: CPU
""",
    "short_solver": """\
# A tenth of the published recipe's time: Adam, and a rate that falls to nothing.
net: "{name}.prototxt"
random_seed: 1

test_iter: 10  # all 10,000 test digits
test_interval: 938
test_initialization: false

type: "Adam"
momentum: 0.9
momentum2: 0.999
base_lr: 0.002
lr_policy: "poly"
power: 1
max_iter: 4690

display: 469
snapshot_prefix: "{name}"
solver_mode: CPU
""",
}


def fillers(inputs: int) -> dict[str, dict[str, object]]:
    """What PyTorch starts a layer with: uniform numbers, by how many inputs an output has."""
    bound = round(inputs**-0.5, 6)
    filler = {"type": "uniform", "min": -bound, "max": bound}
    return {"weight_filler": filler, "bias_filler": filler}


def net(variant: str) -> NetSpec:
    n = NetSpec()
    n.data, n.label = L.Data(ntop=2)  # gives way to DATA
    relu = {"negative_slope": 0.01} if variant == "leakyrelu" else {}

    def conv(name: str, bottom: Top, inputs: int, channels: int, kernel: int) -> Top:
        if variant != "conv":
            n[f"{name}_coordinates"] = bottom = L.Coordinates(bottom)
            inputs += 2
        n[name] = L.Convolution(
            bottom, num_output=channels, kernel_size=kernel, **fillers(inputs * kernel**2)
        )
        return n[name]

    def pool(name: str, bottom: Top) -> Top:
        # PyTorch rounds sizes down.
        n[f"{name}_pool"] = L.Pooling(bottom, kernel_size=2, stride=2, round_mode="FLOOR")
        n[f"{name}_relu"] = L.ReLU(n[f"{name}_pool"], in_place=True, **relu)
        return n[f"{name}_pool"]

    def hidden(name: str, bottom: Top, inputs: int, units: int) -> Top:
        n[name] = L.InnerProduct(bottom, num_output=units, **fillers(inputs))
        n[f"{name}_relu"] = L.ReLU(n[name], in_place=True, **relu)
        return n[name]

    x = pool("loc1", conv("loc1", n.data, 1, 8, 7))
    x = pool("loc2", conv("loc2", x, 8, 10, 5))
    x = hidden("loc_fc", x, 90, 32)
    n.theta = L.InnerProduct(
        x,
        num_output=6,
        weight_filler={"type": "constant"},
        bias_filler={"type": "file", "file": "identity.txt"},
    )
    # affine_grid's convention: x before y, the edges of the image at -1 and 1.
    n.st = L.SpatialTransformer(
        n.data, n.theta, st_param={"grid": "HALF_PIXEL", "order": "COLUMN_FIRST", "to_compute_dU": False}
    )

    x = pool("conv1", conv("conv1", n.st, 1, 10, 5))
    x = conv("conv2", x, 10, 20, 5)
    # Dropout of whole channels: ones, some of them dropped, times the channels.
    n.ones = L.Power(n.conv2, scale=0, shift=1)
    n.ones_pool = L.Pooling(n.ones, pool="AVE", global_pooling=True)
    n.channels = L.Flatten(n.ones_pool)
    n.kept = L.Dropout(n.channels, dropout_ratio=0.5)
    n.conv2_drop = L.Scale(x, n.kept, axis=0)
    x = hidden("fc1", pool("conv2", n.conv2_drop), 320, 50)
    n.fc1_drop = L.Dropout(x, dropout_ratio=0.5)
    n.fc2 = L.InnerProduct(n.fc1_drop, num_output=10, **fillers(50))
    n.loss = L.SoftmaxWithLoss(n.fc2, n.label)
    n.accuracy = L.Accuracy(n.fc2, n.label, include={"phase": "TEST"})
    return n


def main(folder: Path) -> None:
    (folder / "identity.txt").write_text("1 0 0 0 1 0\n")
    for variant, what in VARIANTS.items():
        proto = net(variant).to_proto()
        del proto.layer[0]
        text = f'# {what}\n# Written by generate.py.\n{RATE}name: "{variant}"\n{DATA}{print_message(proto)}'
        (folder / f"{variant}.prototxt").write_text(text)
        for kind, solver in SOLVERS.items():
            (folder / f"{variant}_{kind}.prototxt").write_text(solver.format(name=variant))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
