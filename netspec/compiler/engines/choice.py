"""Which engine runs a net, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from netspec.graph.graph import Graph, Node
from netspec.layers.base import Layer, SourceLayer
from netspec.layers.python import PythonLayer

EngineName = Literal["auto", "eager", "compiled", "graph"]
ENGINES: tuple[str, ...] = get_args(EngineName)


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine that runs a net, and why that one; ``wanted`` is the one that was asked for."""

    engine: Literal["eager", "compiled", "graph"]
    reason: str
    wanted: EngineName

    def __str__(self) -> str:
        return f"engine {self.engine}: {self.reason}"

    @property
    def is_expected(self) -> bool:
        """Whether it is no other engine than was asked for by name."""
        return self.wanted in ("auto", self.engine)

    def failed(self, reason: str) -> Choice:
        """The choice that is left where this one does not work."""
        return Choice("eager", f"{self.engine} fails: {reason}", self.wanted)


def choose(wanted: EngineName, graph: Graph, device: torch.device, *, recompute: bool = False) -> Choice:
    """The engine for a net on a device.

    Args:
        wanted: the engine to take if it can run the net; "auto" for the quickest that has been proven there.
        graph: the net.
        device: where it computes.
        recompute: whether activations are computed anew on the way back.
    """
    if wanted not in ENGINES:
        raise ValueError(f"engine is one of {', '.join(ENGINES)}, not {wanted!r}")
    on_cuda = device.type == "cuda"
    if wanted == "eager":
        return Choice("eager", "as asked for", wanted)
    if wanted == "auto" and not on_cuda:
        return Choice("eager", "on the CPU compiling takes longer than it saves in most runs", wanted)
    if wanted == "auto":  # not before the tests of engine graph have passed on a GPU
        return Choice("eager", "the engine 'graph' may be quicker here, but is on trial: ask for it", wanted)
    if wanted == "graph" and not on_cuda:
        return Choice("eager", f"a CUDA graph needs a CUDA device, not '{device}'", wanted)
    if recompute:
        return Choice("eager", "with recompute, layers run again on the way back", wanted)
    if obstacle := find_obstacle(graph):
        return Choice("eager", obstacle, wanted)
    if wanted == "compiled":
        return Choice("compiled", "as asked for", wanted)
    return Choice("graph", "as asked for", wanted)


def find_obstacle(graph: Graph) -> str | None:
    """Why a net cannot be compiled or recorded as a whole: its first layer that does not allow it."""
    return next((why for node in graph.nodes if (why := _obstacle(node))), None)


def _obstacle(node: Node) -> str | None:
    layer = node.layer
    if isinstance(layer, SourceLayer):
        return None
    named = f"layer '{layer.name}' ({layer.spec.type})"
    if isinstance(layer, PythonLayer):
        return f"{named} runs Python code"
    if getattr(layer, "_is_impure", False):  # as torch.fx calls what does more than to compute its result
        return f"{named} writes a file"
    if type(layer).top_shapes is not Layer.top_shapes:  # a dry run on shapes alone cannot tell them
        return f"what layer '{layer.name}' ({layer.spec.type}) does depends on the data"
    return None
