"""What the compiler makes quicker without changing what a net computes, beyond rounding.

`rewrite` applies the passes in order. Each is a function in a file of its own that changes an
`fx.GraphModule` and gives the layers that no longer run as the text has them: whoever wants to look at one of
these from outside must run the module as it was lowered. Applied twice, it changes nothing the second time.

What was measured and left out, since it did not pay on the CPU: the 1x1 convolutions that share a bottom in
GoogLeNet, as one (their own time: 0.98 in inference, 1.08 in training; 1.01 of the net's).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import fx

from netspec.compiler.rewrites.batch_norm_scale import join_batch_norm_and_scale
from netspec.compiler.rewrites.channel_maps import fold_channel_maps
from netspec.compiler.rewrites.identity import remove_identities
from netspec.compiler.rewrites.in_place import work_in_place
from netspec.compiler.rewrites.layout import lay_out
from netspec.compiler.rewrites.relu_behind_pooling import pool_before_relu
from netspec.layers.base import Layer

if TYPE_CHECKING:
    from netspec.compiler.compute import Compute

Rewrite = Callable[[fx.GraphModule], list[Layer]]

_IN_PLACE, _LAID_OUT = "in place", "channels last"

# Removing comes first, since it brings neighbours together; layouts come last, since they put in nodes that
# would keep them apart.
_REWRITES: dict[str, Rewrite] = {
    "identities removed": remove_identities,
    "folded": fold_channel_maps,
    "BatchNorm and Scale joined": join_batch_norm_and_scale,
    "pooled before ReLU": pool_before_relu,
    _IN_PLACE: work_in_place,
}


@dataclass(frozen=True, slots=True)
class Applied:
    """What a rewrite did: its name, and the layers that it changed, in the order of the net."""

    name: str
    layers: tuple[Layer, ...]

    def __str__(self) -> str:
        return f"{self.name}: {len(self.layers)}"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A module that computes the same, and what was done for it."""

    module: fx.GraphModule
    applied: tuple[Applied, ...]

    @property
    def bypassed(self) -> list[Layer]:
        """The layers that the module does not call with the blobs that the text gives them."""
        return [layer for done in self.applied if done.name != _LAID_OUT for layer in done.layers]


def rewrite(module: fx.GraphModule, device: torch.device, dtype: torch.dtype, how: Compute) -> Rewritten:
    """A quicker module with the same layers, parameters, inputs and result. The given one stays as it is.

    Args:
        module: as `lower` gives it, or `keep_exact`.
        device: where it will run.
        dtype: the type of the net's parameters.
        how: the way in which it will run, which may forbid some rewrites, or all.
    """
    if not how.rewrite:
        return Rewritten(module, ())
    quick = fx.GraphModule(module, deepcopy(module.graph), class_name=type(module).__name__)
    applied = [Applied(name, tuple(run(quick))) for name, run in _passes(device, dtype, how).items()]
    quick.graph.lint()
    quick.recompile()
    return Rewritten(quick.train(module.training), tuple(done for done in applied if done.layers))


def _passes(device: torch.device, dtype: torch.dtype, how: Compute) -> dict[str, Rewrite]:
    passes = {**_REWRITES}
    if how.recompute:  # where parts run twice, what they start from must last
        del passes[_IN_PLACE]
    half = how.dtype if how.dtype != torch.float32 else dtype
    return {**passes, _LAID_OUT: partial(lay_out, device=device, dtype=half)}
