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
    """What a net is called, the sizes of its four layers, how many epochs it is trained for, and what its
    transformers stand before, with the sizes of their localisation nets."""

    what: str
    sizes: tuple[int, int, int, int]
    epochs: int
    transformers: dict[str, Sizes]


FRONT, LATER = {"conv1": (200, 300, 200)}, {"conv3": (150, 150, 150)}
NETS = {
    "baseline": Recipe("The IDSIA net", (150, 200, 300, 350), 10, {}),
    "st1": Recipe("The IDSIA net behind a transformer", (150, 200, 300, 350), 10, FRONT),
    "st1_wide": Recipe("A wider IDSIA net behind a transformer", (200, 250, 350, 400), 10, FRONT),
    "st2": Recipe("The IDSIA net with two transformers", (150, 200, 300, 350), 26, FRONT | LATER),
}
KERNELS = {"conv1": 7, "conv2": 4, "conv3": 4}

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
# The published recipe, {epochs} epochs of {epoch} iterations: no momentum, no decay, one rate.
net: "{name}.prototxt"
random_seed: 1

{test}
test_interval: {epoch}
test_initialization: false

base_lr: 0.01
lr_policy: "fixed"
max_iter: {iterations}

display: 100
snapshot: {snapshot}
snapshot_prefix: "gtsrb_{name}{suffix}"
solver_mode: GPU  # or the CPU, where there is none
"""
IDENTITY = "1 0 0 0 1 0\n"
RATE = "# Published so: theta learns as fast as the rest. netspec: ignore[theta-learning-rate]\n"
VALIDATION = "test_iter: 43  # all of the validation part, 43 tracks"
FINAL = 'test_state { stage: "final" }\ntest_iter: 421  # all of the test part'


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
    n[name] = L.Pooling(x.top, kernel_size=2, stride=2, round_mode="FLOOR")  # as Torch rounds
    return Maps(n[name], (channels, side // 2, side // 2))


def conv(n: NetSpec, name: str, x: Maps, channels: int, kernel: int = 5) -> Maps:
    """A convolution with a margin of 2, halved by pooling."""
    inputs, side, _ = x.shape
    side += 5 - kernel
    n[name] = L.Convolution(
        x.top, num_output=channels, kernel_size=kernel, pad=2, **fillers(inputs * kernel**2)
    )
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


def stage(
    n: NetSpec, name: str, x: Maps, channels: int, transformers: dict[str, Sizes], kernel: int = 5
) -> Maps:
    """A convolution, behind a transformer if the net has one there, normalised by local contrast."""
    if name in transformers:
        x = transformed(n, name, x, transformers[name])
    x = conv(n, name, x, channels, kernel)
    n[f"{name}_norm"] = L.ContrastiveNormalization(x.top)
    return x._replace(top=n[f"{name}_norm"])


def begun() -> tuple[NetSpec, Maps]:
    """A net that has the signs, normalised by local contrast."""
    n = NetSpec()
    n.raw, n.label = L.Data(ntop=2)  # gives way to data()
    n.data = L.ContrastiveNormalization(n.raw, kernel="GAUSSIAN", kernel_size=7)
    return n, Maps(n.data, (3, 48, 48))


def ended(n: NetSpec, x: Maps, units: int) -> NetSpec:
    """The net with its classifier."""
    n.score = L.InnerProduct(hidden(n, "fc", x, units), num_output=43, **fillers(units))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label, include={"phase": "TEST"})
    return n


def net(recipe: Recipe) -> NetSpec:
    n, x = begun()
    for (name, kernel), channels in zip(KERNELS.items(), recipe.sizes[:3], strict=True):
        x = stage(n, name, x, channels, recipe.transformers, kernel)
    return ended(n, x, recipe.sizes[3])


def data() -> str:
    return "".join(
        DATA.format(phase=phase, stage=stage, part=part, batch=batch, shuffle=shuffle)
        for phase, stage, part, batch, shuffle in PARTS
    )


def text(name: str, what: str, made: NetSpec, *, published: bool) -> str:
    """A net as text; ``published``: with a theta that learns as fast as the rest."""
    proto = made.to_proto()
    del proto.layer[0]
    head = f"# {what}. Written by generate.py.\n{RATE if published else ''}"
    return f'{head}name: "{name}"\n{data()}{print_message(proto)}'


def solver(name: str, epochs: int, *, final: bool) -> str:
    epoch = 784 if final else 758  # batches in all training signs, and in those less the validation part
    return SOLVER.format(
        name=name,
        suffix="_final" if final else "",
        test=FINAL if final else VALIDATION,
        epochs=epochs,
        epoch=epoch,
        iterations=epochs * epoch,
        snapshot=7 * epoch,
    )


def main(folder: Path) -> None:
    (folder / "identity.txt").write_text(IDENTITY)
    for name, recipe in NETS.items():
        written = text(name, recipe.what, net(recipe), published=bool(recipe.transformers))
        (folder / f"{name}.prototxt").write_text(written)
        (folder / f"{name}_solver.prototxt").write_text(solver(name, recipe.epochs, final=False))
        (folder / f"{name}_final_solver.prototxt").write_text(solver(name, recipe.epochs, final=True))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
