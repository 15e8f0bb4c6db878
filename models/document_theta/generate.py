"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec, Top
from netspec.text.printer import print_message

NETS = {"small": "A small net that finds the page.", "googlenet": "GoogLeNet finds the page."}
MSRA = {"weight_filler": {"type": "msra"}}
AT_REST = "0.7 0 0 0 0.6 0\n"  # upright, in the middle

DATA = """\
layer {{
  name: "scans"
  type: "HDF5Data"
  top: "data"
  top: "theta"
  include {{ phase: {phase} }}
  hdf5_data_param {{ source: "documents_{half}_hdf5/list.txt" batch_size: {batch}{shuffle} }}
}}
"""
DATA = DATA.format(phase="TRAIN", half="train", batch=64, shuffle=" shuffle: true") + DATA.format(
    phase="TEST", half="test", batch=50, shuffle=""
)
INPUT = """\
layer {
  name: "scans"
  type: "Input"
  top: "data"
  input_param { shape { dim: 1 dim: 1 dim: 128 dim: 128 } }
}
"""

SOLVER = """\
# {epochs} epochs of 10,000 scans.
net: "{net}.prototxt"
random_seed: 1

test_iter: 20  # all 1,000 test scans
test_interval: {interval}
test_initialization: false

type: "Adam"
momentum: 0.9
momentum2: 0.999
base_lr: {rate}
lr_policy: "poly"
power: 1
max_iter: {iterations}

display: {display}
snapshot_prefix: "{model}_{net}"
solver_mode: CPU
"""
EPOCH = 157  # iterations
SOLVERS = {  # for each text the net, epochs, rate
    "small_short_solver": ("small", 5, 0.001),
    "small_solver": ("small", 15, 0.001),
    "googlenet_solver": ("googlenet", 15, 0.0003),
}

# Of each inception module: its 1x1; 1x1 before 3x3, 3x3; 1x1 before 5x5, 5x5; 1x1 behind the pooling.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def conv(n: NetSpec, name: str, bottom: Top, channels: int, kernel: int, stride: int = 1) -> Top:
    n[name] = L.Convolution(
        bottom, num_output=channels, kernel_size=kernel, stride=stride, pad=kernel // 2, **MSRA
    )
    n[f"{name}_relu"] = L.ReLU(n[name], in_place=True)
    return n[name]


def pool(n: NetSpec, name: str, bottom: Top, size: int, step: int, pad: int = 0, kind: str = "MAX") -> Top:
    n[name] = L.Pooling(bottom, pool=kind, kernel_size=size, stride=step, pad=pad)
    return n[name]


def small(n: NetSpec, bottom: Top, prefix: str = "") -> Top:
    """Three convolutions and a hidden layer, which see an image at half its size."""
    x = pool(n, f"{prefix}half", bottom, 2, 2, kind="AVE")
    for number, channels in enumerate((16, 32, 32), 1):
        x = conv(n, f"{prefix}conv{number}", x, channels, 5 if number == 1 else 3)
        x = pool(n, f"{prefix}pool{number}", x, 2, 2)
    n[f"{prefix}fc"] = L.InnerProduct(x, num_output=64, **MSRA)
    n[f"{prefix}fc_relu"] = L.ReLU(n[f"{prefix}fc"], in_place=True)
    return n[f"{prefix}fc"]


def googlenet(n: NetSpec, bottom: Top, prefix: str = "") -> Top:
    """GoogLeNet without its classifiers, and without the mean over all places before the last one."""
    x = pool(n, f"{prefix}pool1", conv(n, f"{prefix}conv1", bottom, 64, 7, 2), 3, 2)
    n[f"{prefix}norm1"] = L.LRN(x, local_size=5, alpha=0.0001, beta=0.75)
    x = conv(n, f"{prefix}conv2", conv(n, f"{prefix}conv2_reduce", n[f"{prefix}norm1"], 64, 1), 192, 3)
    n[f"{prefix}norm2"] = L.LRN(x, local_size=5, alpha=0.0001, beta=0.75)
    x = pool(n, f"{prefix}pool2", n[f"{prefix}norm2"], 3, 2)
    for name, channels in MODULES.items():
        if name in ("4a", "5a"):
            x = pool(n, f"{prefix}pool_before_{name}", x, 3, 2)
        x = inception(n, f"{prefix}inception_{name}", x, channels)
    return x


def inception(n: NetSpec, name: str, bottom: Top, channels: tuple[int, ...]) -> Top:
    """Four ways side by side (Szegedy et al., "Going deeper with convolutions", 2014)."""
    one, before_three, three, before_five, five, pooled = channels
    ways = [
        conv(n, f"{name}_1x1", bottom, one, 1),
        conv(n, f"{name}_3x3", conv(n, f"{name}_3x3_reduce", bottom, before_three, 1), three, 3),
        conv(n, f"{name}_5x5", conv(n, f"{name}_5x5_reduce", bottom, before_five, 1), five, 5),
        conv(n, f"{name}_pool_proj", pool(n, f"{name}_pool", bottom, 3, 1, pad=1), pooled, 1),
    ]
    n[name] = L.Concat(*ways)
    return n[name]


def net(name: str, deploy: bool) -> NetSpec:
    n = NetSpec()
    n.data, n.theta = L.HDF5Data(ntop=2)  # gives way to DATA or INPUT
    n.scan = L.Power(n.data, scale=1 / 256)  # 0 to 255 becomes 0 to 1
    n.found = L.InnerProduct(
        {"small": small, "googlenet": googlenet}[name](n, n.scan),
        num_output=6,
        weight_filler={"type": "constant"},
        bias_filler={"type": "file", "file": "page.txt"},
    )
    only_tested = {} if deploy else {"include": {"phase": "TEST"}}
    n.page = L.SpatialTransformer(n.scan, n.found, st_param={"to_compute_dU": False}, **only_tested)
    if not deploy:
        n.shown = L.Silence(n.page, ntop=0, **only_tested)
        n.loss = L.EuclideanLoss(n.found, n.theta)
    return n


def write_solvers(folder: Path, model: str, solvers: dict[str, tuple[str, int, float]]) -> None:
    """The solvers of a model, as the table above has them."""
    for solver, (name, epochs, rate) in solvers.items():
        text = SOLVER.format(
            model=model,
            net=name,
            epochs=epochs,
            rate=rate,
            interval=EPOCH * epochs // 5,
            iterations=EPOCH * epochs,
            display=20 if name == "googlenet" else EPOCH,
        )
        (folder / f"{solver}.prototxt").write_text(text)


def main(folder: Path) -> None:
    (folder / "page.txt").write_text(AT_REST)
    for name, what in NETS.items():
        for suffix, data in (("", DATA), ("_deploy", INPUT)):
            proto = net(name, deploy=bool(suffix)).to_proto()
            del proto.layer[0]
            head = f'# {what}\n# Written by generate.py.\nname: "document_theta_{name}"\n'
            (folder / f"{name}{suffix}.prototxt").write_text(f"{head}{data}{print_message(proto)}")
    write_solvers(folder, "document_theta", SOLVERS)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
