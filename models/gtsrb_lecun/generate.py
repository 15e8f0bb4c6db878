"""Writes the nets and solvers of this folder: `python generate.py [FOLDER]`.

What the nets are made of is in the script of gtsrb_idsia.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from netspec.pycaffe import layers as L
from netspec.pycaffe.net_spec import NetSpec

SIGNS = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).resolve().parents[1] / "gtsrb_idsia" / "generate.py"))
)
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


def net(recipe: Recipe) -> NetSpec:
    n, x = SIGNS.begun()
    first = SIGNS.stage(n, "conv1", x, recipe.sizes[0], recipe.transformers)
    x = SIGNS.stage(n, "conv2", first, recipe.sizes[1], recipe.transformers)
    if recipe.multi_scale:
        also = SIGNS.halved(n, "conv1_half", first)
        n.both = L.Concat(x.top, also.top)
        x = SIGNS.Maps(n.both, (x.shape[0] + also.shape[0], *x.shape[1:]))
    return SIGNS.ended(n, x, recipe.sizes[2])


def main(folder: Path) -> None:
    (folder / "identity.txt").write_text(SIGNS.IDENTITY)
    for name, recipe in NETS.items():
        written = SIGNS.text(name, recipe.what, net(recipe), published=bool(recipe.transformers))
        (folder / f"{name}.prototxt").write_text(written)
        kind, solver = ("short_solver", SHORT) if recipe.sizes == SMALL else ("solver", SOLVER)
        (folder / f"{name}_{kind}.prototxt").write_text(solver.format(name=name))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
