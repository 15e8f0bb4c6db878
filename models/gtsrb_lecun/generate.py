"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`."""

from __future__ import annotations

import sys
from math import prod
from pathlib import Path
from typing import NamedTuple

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec, Top
from netspec.text.printer import print_message

Sizes = tuple[int, int, int]


class Recipe(NamedTuple):
    """What a net is called, the sizes of its layers, what its transformers stand before, with the sizes of
    their localisation nets, and whether the first stage goes to the classifier, too."""

    what: str
    sizes: Sizes
    transformers: dict[str, Sizes]
    multi_scale: bool = False


LARGE, SMALL = (108, 200, 100), (38, 64, 100)
NETS = {
    "baseline": Recipe("Two convolutions", LARGE, {}),
    "multi_scale": Recipe("Two convolutions, both of which the classifier sees", LARGE, {}, True),
    "st1": Recipe("Two convolutions behind a transformer", LARGE, {"conv1": (100, 200, 100)}),
    "st2": Recipe(
        "Two convolutions, each behind a transformer",
        LARGE,
        {"conv1": (150, 250, 150), "conv2": (75, 125, 75)},
    ),
    "small": Recipe("Two small convolutions", SMALL, {}),
    "small_st1": Recipe("Two small convolutions behind a small transformer", SMALL, {"conv1": (20, 20, 20)}),
}

# The mean and the deviation of all numbers in the training signs.
DATA = """\
layer {{
  name: "signs"
  type: "Data"
  top: "raw"
  top: "label"
  include {{ phase: {phase}{stage} }}
  transform_param {{ mean_value: 82.5 scale: 0.0149 }}
  data_param {{ source: "gtsrb_{part}_lmdb" backend: LMDB batch_size: {batch}{shuffle} }}
}}
"""
PARTS = (
    ("TRAIN", "", "train", 50, " shuffle: true"),
    ("TEST", ' not_stage: "final"', "validation", 30, ""),
    ("TEST", ' stage: "final"', "test", 30, ""),
)

SOLVER = """\
# The published recipe, 10 epochs of 758 iterations: no momentum, no decay, one rate.
net: "{name}.prototxt"
random_seed: 1

test_iter: 43  # all of the validation part, 43 tracks
test_interval: 758
test_initialization: false

base_lr: 0.01
lr_policy: "fixed"
max_iter: 7580

display: 100
snapshot_prefix: "gtsrb_{name}"
solver_mode: GPU  # or the CPU, where there is none
"""
SHORT = """\
# A recipe for a few minutes on one core: an epoch, with momentum, and a rate that falls to nothing.
net: "{name}.prototxt"
random_seed: 1

test_iter: 43  # all of the validation part, 43 tracks
test_interval: 758
test_initialization: false

base_lr: 0.005
lr_policy: "poly"
power: 1
momentum: 0.9
max_iter: 758

display: 100
snapshot_prefix: "gtsrb_{name}_short"
solver_mode: GPU  # or the CPU, where there is none
"""


class Maps(NamedTuple):
    """A blob of the net and the size of an item."""

    top: Top
    shape: tuple[int, ...]


def fillers(inputs: int) -> dict[str, dict[str, object]]:
    """What Torch starts a layer with: uniform numbers, by how many inputs an output has."""
    bound = round(inputs**-0.5, 6)
    filler = {"type": "uniform", "min": -bound, "max": bound}
    return {"weight_filler": filler, "bias_filler": filler}


def halved(n: NetSpec, name: str, x: Maps) -> Maps:
    channels, side, _ = x.shape
    n[name] = L.Pooling(x.top, kernel_size=2, stride=2)
    return Maps(n[name], (channels, side // 2, side // 2))


def conv(n: NetSpec, name: str, x: Maps, channels: int) -> Maps:
    """A convolution of 5x5 that keeps the size, halved by pooling."""
    inputs, side, _ = x.shape
    n[name] = L.Convolution(x.top, num_output=channels, kernel_size=5, pad=2, **fillers(inputs * 25))
    n[f"{name}_relu"] = L.ReLU(n[name], in_place=True)
    return halved(n, f"{name}_pool", Maps(n[name], (channels, side, side)))


def hidden(n: NetSpec, name: str, x: Maps, units: int) -> Top:
    n[name] = L.InnerProduct(x.top, num_output=units, **fillers(prod(x.shape)))
    n[f"{name}_relu"] = L.ReLU(n[name], in_place=True)
    return n[name]


def transformed(n: NetSpec, before: str, x: Maps, sizes: Sizes) -> Maps:
    """The maps as a transformer of their own sees them."""
    name = f"{before}_st"
    loc = halved(n, f"{name}_half", x)
    for number, channels in enumerate(sizes[:2], 1):
        loc = conv(n, f"{name}_loc{number}", loc, channels)
    n[f"{name}_theta"] = L.InnerProduct(
        hidden(n, f"{name}_loc3", loc, sizes[2]),
        num_output=6,
        weight_filler={"type": "constant"},
        bias_filler={"type": "file", "file": "identity.txt"},
    )
    # Torch's convention: the centres of the outer pixels at -1 and 1. No gradient is wanted by the signs.
    st = {"grid": "ALIGNED", "to_compute_dU": before != "conv1"}
    n[name] = L.SpatialTransformer(x.top, n[f"{name}_theta"], st_param=st)
    return Maps(n[name], x.shape)


def stage(n: NetSpec, name: str, x: Maps, channels: int, recipe: Recipe) -> Maps:
    """A convolution, behind a transformer if the net has one there, normalised by local contrast."""
    if name in recipe.transformers:
        x = transformed(n, name, x, recipe.transformers[name])
    x = conv(n, name, x, channels)
    n[f"{name}_norm"] = L.ContrastiveNormalization(x.top)
    return x._replace(top=n[f"{name}_norm"])


def net(recipe: Recipe) -> NetSpec:
    n = NetSpec()
    n.raw, n.label = L.Data(ntop=2)  # gives way to data()
    n.data = L.ContrastiveNormalization(n.raw, kernel="GAUSSIAN", kernel_size=7)
    first = stage(n, "conv1", Maps(n.data, (3, 48, 48)), recipe.sizes[0], recipe)
    x = stage(n, "conv2", first, recipe.sizes[1], recipe)
    if recipe.multi_scale:
        also = halved(n, "conv1_half", first)
        n.both = L.Concat(x.top, also.top)
        x = Maps(n.both, (x.shape[0] + also.shape[0], *x.shape[1:]))
    units = recipe.sizes[2]
    n.score = L.InnerProduct(hidden(n, "fc", x, units), num_output=43, **fillers(units))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label, include={"phase": "TEST"})
    return n


def data() -> str:
    return "".join(
        DATA.format(phase=phase, stage=stage, part=part, batch=batch, shuffle=shuffle)
        for phase, stage, part, batch, shuffle in PARTS
    )


RATE = "# Published so: theta learns as fast as the rest. netspec: ignore[theta-learning-rate]\n"


def main(folder: Path) -> None:
    (folder / "identity.txt").write_text("1 0 0 0 1 0\n")
    for name, recipe in NETS.items():
        proto = net(recipe).to_proto()
        del proto.layer[0]
        head = f"# {recipe.what}. Written by generate.py.\n{RATE if recipe.transformers else ''}"
        text = f'{head}name: "{name}"\n{data()}{print_message(proto)}'
        (folder / f"{name}.prototxt").write_text(text)
        kind, solver = ("short_solver", SHORT) if recipe.sizes == SMALL else ("solver", SOLVER)
        (folder / f"{name}_{kind}.prototxt").write_text(solver.format(name=name))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
