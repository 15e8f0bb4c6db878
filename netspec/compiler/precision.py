"""How exactly a net computes: float32 as it is, with shortened products, or in half precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, fx, nn

from netspec.graph.graph import Graph, Node

PrecisionName = Literal["fp32", "tf32", "bf16", "fp16"]
PRECISIONS: tuple[str, ...] = get_args(PrecisionName)

_HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def dtype_of(precision: PrecisionName) -> torch.dtype:
    """The type that most of a net is computed in.

    Raises:
        ValueError: there is no such precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {precision!r}")
    return _HALVES.get(precision, torch.float32)


@contextmanager
def products(precision: PrecisionName) -> Iterator[None]:
    """While inside, products of float32 on a CUDA device are what they say, or TF32 if that is the precision.

    Covers forward and backward passes; PyTorch's own setting, by which convolutions use TF32, is put back
    afterwards.
    """
    with ExitStack() as stack:
        for owner, name, value, before in _switches(precision == "tf32"):
            stack.callback(setattr, owner, name, before)
            setattr(owner, name, value)
        yield


def _switches(shortened: bool) -> list[tuple[Any, str, Any, Any]]:
    """PyTorch's settings: whose, its name, what it is to be, and what it is."""
    matmul, cudnn = torch.backends.cuda.matmul, cast(Any, torch.backends.cudnn)
    try:
        return [(owner, "allow_tf32", shortened, owner.allow_tf32) for owner in (matmul, cudnn)]
    except RuntimeError:  # from PyTorch 2.9 on: somebody set what these two cannot say
        wanted = "tf32" if shortened else "ieee"
        owners = (matmul, cudnn.conv, cudnn.rnn)
        return [(owner, "fp32_precision", wanted, owner.fp32_precision) for owner in owners]


@contextmanager
def half(precision: PrecisionName, device: torch.device) -> Iterator[None]:
    """While inside, a forward pass computes in half precision what loses little by it, if the precision is
    one of those."""
    dtype = _HALVES.get(precision)
    with torch.autocast(device.type, dtype, enabled=dtype is not None):
        yield


# What stays in float32 --------------------------------------------------------------------------------------


class InFloat32(nn.Module):
    """A layer that computes in float32 where the rest of the net takes less."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *bottoms: Tensor) -> Any:
        with torch.autocast(bottoms[0].device.type, enabled=False):
            return self.layer(*(_widened(bottom) for bottom in bottoms))


def keep_exact(module: fx.GraphModule, graph: Graph) -> fx.GraphModule:
    """The same module with its losses in float32, and what else asks for it: layers that say so of
    themselves, and those that make what must be exact, such as the theta of a spatial transformer."""
    exact = {id(node.layer) for node in exact_nodes(graph)}
    kept = fx.GraphModule(module, module.graph, class_name=type(module).__name__)
    for target, part in [*kept.named_children()]:
        if id(part) in exact:
            setattr(kept, target, InFloat32(part))
    return kept.train(module.training)


def exact_nodes(graph: Graph) -> list[Node]:
    """The nodes that compute in float32 whatever the rest does."""
    makers = {top: node for node in graph.nodes for top in node.tops}
    found = {node: None for node in graph.nodes if node.layer.traits.loss or any(node.loss_weights)}
    found.update((node, None) for node in graph.nodes if node.layer.exact)
    for node in graph.nodes:
        for index in node.layer.exact_bottoms:
            _back(makers[node.bottoms[index]], makers, found)
    return list(found)


def _back(node: Node, makers: dict[Any, Node], found: dict[Node, None]) -> None:
    """Adds a node, and those before it up to the first with blobs, since these compute the numbers."""
    found[node] = None
    if not node.layer.blob_names:
        for bottom in node.bottoms:
            _back(makers[bottom], makers, found)


def _widened(value: Tensor) -> Tensor:
    return value.float() if value.dtype in _HALVES.values() else value
