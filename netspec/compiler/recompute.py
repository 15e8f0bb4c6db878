"""Activation checkpointing: segments of a net that keep their inputs only, and run again on the way back.

T. Chen et al., "Training deep nets with sublinear memory cost", 2016.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import isqrt, prod
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.split_module import split_module
from torch.utils.checkpoint import checkpoint


class Segment(nn.Module):
    """A part of a net whose activations are not kept.

    Random layers draw the same numbers again, and what layers keep from pass to pass (running averages,
    states) is at the second run what it was at the first, and afterwards what it has become since.
    """

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, *values: Tensor) -> Any:
        if not torch.is_grad_enabled():
            return self.part(*values)
        return checkpoint(self.part, *values, use_reentrant=False, context_fn=self._contexts)

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """What the two runs happen in; made just before the first."""
        before = [value.clone() for value in self._kept()]
        return nullcontext(), self._as_before(before)

    @contextmanager
    def _as_before(self, before: list[Tensor]) -> Iterator[None]:
        kept = self._kept()
        now = [value.clone() for value in kept]
        _write(kept, before)
        try:
            yield
        finally:
            _write(self._kept(), now)

    def _kept(self) -> list[Tensor]:
        """What nobody learns: it only changes by running."""
        tensors = (*self.part.parameters(), *self.part.buffers())
        return [value.detach() for value in tensors if not value.requires_grad]


def recompute_segments(module: fx.GraphModule) -> fx.GraphModule:
    """The same module, in segments that run again on the way back; the last one, of which all is still there
    by then, does not."""
    starts = best_cuts(module)
    if not starts:
        return module
    segment_of = {node: sum(place >= start for start in starts) for place, node in enumerate(_steps(module))}
    split = split_module(module, module, lambda node: segment_of[node], keep_original_order=True)
    names = [name for name, _ in split.named_children()]
    for name in names[:-1]:
        setattr(split, name, Segment(split.get_submodule(name)))
    return split.train(module.training)


def best_cuts(module: fx.GraphModule) -> list[int]:
    """Before which steps to cut the module, so that what is kept between segments and the largest segment
    together take the least memory."""
    sizes = [_size(node) for node in _steps(module)]
    crossing = _crossing(module)
    best: list[int] = []
    least = sum(sizes)
    for count in range(2, min(len(sizes), 4 * isqrt(len(sizes)))):  # the best is about the root
        cuts = _even_cuts(sizes, crossing, count)
        parts = [sum(sizes[i:j]) for i, j in zip([0, *cuts], [*cuts, len(sizes)], strict=True)]
        peak = sum(crossing[cut] for cut in cuts) + max(parts, default=0)
        if peak < least:
            best, least = cuts, peak
    return best


def _even_cuts(sizes: Sequence[int], crossing: Sequence[int], count: int) -> list[int]:
    """Cuts for so many segments of about the same size, each where little is kept."""
    cuts: list[int] = []
    filled, share = 0, sum(sizes) / count
    slack = max(1, len(sizes) // (2 * count))
    for place, size in enumerate(sizes):
        if filled >= share * (len(cuts) + 1) and len(cuts) < count - 1:
            near = range(max(1, place - slack), min(len(sizes) - 1, place + slack) + 1)
            cuts.append(min(near, key=lambda at: (crossing[at], abs(at - place))))
        filled += size
    return sorted(set(cuts))


def _crossing(module: fx.GraphModule) -> list[int]:
    """For each step, the bytes that are made before it and read by it or later."""
    steps = _steps(module)
    places = {node: place for place, node in enumerate(steps)}
    found = [0] * len(steps)
    for node in steps:
        last = max((places.get(user, len(steps) - 1) for user in node.users), default=0)
        for place in range(places[node] + 1, last + 1):
            found[place] += _size(node)
    return found


def _steps(module: fx.GraphModule) -> list[fx.Node]:
    return [node for node in module.graph.nodes if node.op not in ("placeholder", "output")]


def _size(node: fx.Node) -> int:
    shape: Any = node.meta.get("shape")
    if shape is None or node.op != "call_module":  # a view, or one of several tops
        return 0
    shapes = shape if shape and isinstance(shape[0], tuple) else (shape,)
    return 4 * sum(int(prod(each)) for each in shapes)


def _write(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)
