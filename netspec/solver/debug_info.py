"""``debug_info``: how large the blobs and their gradients are, layer by layer, as Caffe tells it.

All is seen through hooks that are there while somebody looks, and gone afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from netspec.compiler.net import Net
from netspec.graph.graph import Blob, Graph, Node
from netspec.layers.base import SourceLayer, as_tuple
from netspec.solver.events import (
    BackwardInspected,
    ForwardInspected,
    Magnitude,
    ParamUpdate,
    UpdateInspected,
)

Edge = tuple[Node, int]
Side = Literal["top", "bottom", "param"]
_Line = tuple[str, Side, str, Tensor]


class Watch:
    """Looks at what goes through a net while entered.

    Attributes:
        data: the magnitude of each blob in the last forward pass.
        gradients: that of the gradient with respect to each blob, summed up over the layers that read it.
        edges: that of the gradient that a layer alone hands down to one of its bottoms.
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        self.data: dict[Blob, Tensor] = {}
        self.gradients: dict[Blob, Tensor] = {}
        self.edges: dict[Edge, Tensor] = {}
        self._hooks = ExitStack()

    def __enter__(self) -> Watch:
        add = self._hooks.callback
        self._hooks.enter_context(self.net.layer_by_layer())
        add(self.net.graph_module.register_forward_pre_hook(self._fed).remove)
        for node in self.net.graph.nodes:
            if not isinstance(node.layer, SourceLayer):
                add(node.layer.register_forward_pre_hook(partial(self._read, node)).remove)
                add(node.layer.register_forward_hook(partial(self._made, node)).remove)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hooks.close()

    def _fed(self, module: nn.Module, tops: tuple[Any, ...]) -> None:
        self.data.clear()
        sources = [top for node in self.net.graph.sources for top in node.tops]
        self.data.update((blob, _magnitude(value)) for blob, value in zip(sources, tops, strict=True))

    def _read(self, node: Node, module: nn.Module, bottoms: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(self._edge(node, index, bottom) for index, bottom in enumerate(bottoms))

    def _edge(self, node: Node, index: int, bottom: Tensor) -> Tensor:
        if not bottom.requires_grad:
            return bottom
        # A view of its own, for its gradient is this layer's share in that of the blob.
        view = bottom.view_as(bottom)
        self.edges[node, index] = torch.zeros((), dtype=torch.float64, device=bottom.device)
        self._listen(view, self.edges, (node, index))
        return view

    def _made(self, node: Node, module: nn.Module, bottoms: tuple[Any, ...], tops: Any) -> None:
        for blob, top in zip(node.tops, as_tuple(tops), strict=True):
            self.data[blob] = _magnitude(top)
            if top.requires_grad:
                self._listen(top, self.gradients, blob)

    def _listen(self, value: Tensor, store: dict[Any, Tensor], key: Edge | Blob) -> None:
        """Notes the gradient that comes to ``value``, which may be a blob of the layer's and outlive us."""

        def note(gradient: Tensor) -> None:
            store[key] = _magnitude(gradient)

        self._hooks.callback(value.register_hook(note).remove)  # type: ignore[no-untyped-call]


Tell = Callable[[ForwardInspected | BackwardInspected | UpdateInspected], None]


@contextmanager
def pass_inspected(net: Net, iteration: int, tell: Tell, test_net: int | None = None) -> Iterator[None]:
    """Tells what goes through a net inside: forward, and then backward where it gets that far."""
    watch = Watch(net)
    try:
        with watch:
            yield
    finally:
        if watch.data:
            tell(ForwardInspected(iteration, test_net, _read_off(_forward(watch))))
        if watch.gradients:
            gradients = _read_off(_backward(watch))
            tell(BackwardInspected(iteration, gradients, *_norms(net)))


@contextmanager
def update_inspected(net: Net, iteration: int, tell: Tell) -> Iterator[None]:
    """Tells how far the update inside moves each learnable blob."""
    owners = [param for param in net.graph.params if param.owner is None]
    blobs = [param.node.layer.blobs[param.index].detach() for param in owners]
    before = [blob.clone() for blob in blobs]
    yield
    data = [_magnitude(blob) for blob in before]
    changes = [_magnitude(blob - old) for blob, old in zip(blobs, before, strict=True)]
    numbers = _numbers([*data, *changes])
    pairs = zip(owners, numbers, numbers[len(owners) :], strict=False)
    updates = (
        ParamUpdate(param.node.layer.name, _param_name(param.node, param.index), size, change)
        for param, size, change in pairs
    )
    tell(UpdateInspected(iteration, tuple(updates)))


def first_broken_gradient(watch: Watch) -> tuple[Node, str] | None:
    """The first layer on the way back that hands down a gradient that is not finite, and to which blob."""
    blobs = _learnable(watch.net.graph)
    for node in reversed(watch.net.graph.nodes):
        for index, bottom in enumerate(node.bottoms):
            if (node, index) in watch.edges and not watch.edges[node, index].isfinite():
                return node, f"bottom '{bottom.name}'"
        for index, name in enumerate(node.layer.blob_names):
            gradient = blobs[node, index].grad
            if gradient is not None and not gradient.isfinite().all():
                return node, f"its blob '{name}'"
    return None


# What Caffe tells ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Split:
    """The layer that Caffe puts behind a blob with several readers, so that each has a copy of its own."""

    node: Node
    blob: Blob
    readers: tuple[Edge, ...]

    @property
    def name(self) -> str:
        return f"{self._stem}_split"

    def copy(self, index: int) -> str:
        """The name of a copy."""
        return f"{self._stem}_split_{index}"

    @property
    def copies(self) -> int:
        return len(self.readers) + self.weighed

    @property
    def weighed(self) -> bool:
        """Whether the first copy is for nobody but the loss."""
        return bool(self.node.loss_weights[self.node.tops.index(self.blob)])

    def names(self) -> dict[Edge, str]:
        """What the readers call their bottom."""
        return {edge: self.copy(index) for index, edge in enumerate(self.readers, int(self.weighed))}

    @property
    def _stem(self) -> str:
        return f"{self.blob.name}_{self.node.layer.name}_{self.node.tops.index(self.blob)}"


def _splits(graph: Graph) -> dict[Blob, _Split]:
    readers: dict[Blob, list[Edge]] = {top: [] for node in graph.nodes for top in node.tops}
    for node in graph.nodes:
        for index, bottom in enumerate(node.bottoms):
            readers[bottom].append((node, index))
    made = {top: node for node in graph.nodes for top in node.tops}
    splits = (_Split(made[blob], blob, tuple(edges)) for blob, edges in readers.items() if edges)
    return {split.blob: split for split in splits if split.copies > 1}


def _forward(watch: Watch) -> Iterator[_Line]:
    splits = _splits(watch.net.graph)
    for node in watch.net.graph.nodes:
        tops = [top for top in node.tops if top in watch.data]  # none behind a layer that failed
        yield from ((node.layer.name, "top", top.name, watch.data[top]) for top in tops)
        for index, blob in enumerate(node.layer.blobs):
            yield node.layer.name, "param", _param_name(node, index), _magnitude(blob)
        for split in (splits[top] for top in tops if top in splits):
            for index in range(split.copies):
                yield split.name, "top", split.copy(index), watch.data[split.blob]


def _backward(watch: Watch) -> Iterator[_Line]:
    splits, blobs = _splits(watch.net.graph), _learnable(watch.net.graph)
    names = {edge: name for split in splits.values() for edge, name in split.names().items()}
    for node in reversed(watch.net.graph.nodes):
        flowed = [top for top in node.tops if top in watch.gradients]
        for top in reversed(flowed):
            if top in splits:
                yield splits[top].name, "bottom", top.name, watch.gradients[top]
        for index, bottom in enumerate(node.bottoms):
            if flowed and (node, index) in watch.edges:
                name = names.get((node, index), bottom.name)
                yield node.layer.name, "bottom", name, watch.edges[node, index]
        for index in range(len(node.layer.blobs)):
            blob = blobs[node, index]
            if flowed and blob.requires_grad:
                gradient = torch.zeros_like(blob) if blob.grad is None else blob.grad
                yield node.layer.name, "param", str(index), _magnitude(gradient)


def _learnable(graph: Graph) -> dict[Edge, nn.Parameter]:
    """For each layer's blobs the parameter that gets the gradient: another layer's, where they are shared."""
    owners = [(param, param.owner or param) for param in graph.params]
    return {(param.node, param.index): owner.node.layer.blobs[owner.index] for param, owner in owners}


def _norms(net: Net) -> tuple[tuple[float, float], tuple[float, float]]:
    """The L1 and the L2 norm of all learnable blobs, each of the values and of the gradients."""
    blobs = [param.parameter for param in net.learnable_params]
    data = [blob.detach().double().flatten() for blob in blobs]
    gradients = [blob.grad.double().flatten() for blob in blobs if blob.grad is not None]
    empty = [torch.zeros(1, dtype=torch.float64, device=net.device)]
    rows = [torch.cat(row or empty) for row in (data, gradients)]
    norms = _numbers([torch.linalg.vector_norm(row, order) for order in (1, 2) for row in rows])
    return (norms[0], norms[1]), (norms[2], norms[3])


def _param_name(node: Node, index: int) -> str:
    given = node.layer.spec.param
    return (given[index].name if index < len(given) else "") or str(index)


def _magnitude(values: Tensor) -> Tensor:
    return values.detach().double().abs().mean()


def _read_off(lines: Iterator[_Line]) -> tuple[Magnitude, ...]:
    found = list(lines)
    numbers = _numbers([number for *_, number in found])
    return tuple(
        Magnitude(layer, side, blob, number)
        for (layer, side, blob, _), number in zip(found, numbers, strict=True)
    )


def _numbers(scalars: list[Tensor]) -> list[float]:
    """All of them in one transfer."""
    return torch.stack(scalars).tolist() if scalars else []
