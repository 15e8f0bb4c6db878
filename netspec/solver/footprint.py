"""How much memory training takes, found out without any: an iteration on tensors that have shapes alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from weakref import finalize

import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from netspec.compiler.compute import Compute
from netspec.compiler.net import Net
from netspec.compiler.recompute import recompute_segments
from netspec.compiler.rewrites import rewrite
from netspec.graph.graph import Graph
from netspec.schema.messages import SolverParameter
from netspec.solver.rules import UpdateRule, make_rule

_META = torch.device("meta")


@dataclass(frozen=True, slots=True)
class Footprint:
    """What training takes at its worst moment, in bytes.

    Attributes:
        params: the blobs, learned or not.
        gradients: those of the learned ones.
        history: what the update rule keeps.
        rest: the batch, the activations that wait for the backward pass, and what is in the making.
    """

    params: int
    gradients: int
    history: int
    rest: int

    @property
    def peak(self) -> int:
        """All together."""
        return self.params + self.gradients + self.history + self.rest


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call, unused-ignore]
    """Counts the bytes of tensors while it is entered: of those that it is shown, and of those made inside.

    What a kernel takes for itself while it runs is not seen.

    Attributes:
        now: how many are alive.
        peak: how many were, at the worst moment.
    """

    def __init__(self, shown: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self.now = self.peak = 0
        self._known: set[int] = set()
        for tensor in shown:
            self._note(tensor)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self._note(value)
        return result

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def predict(graph: Graph, device: torch.device, how: Compute, solver: SolverParameter) -> Footprint:
    """What training a net takes, but for the workspaces of kernels.

    Args:
        graph: the net, whose layers hold no numbers yet. They are on the meta device afterwards.
        device: where it is to be trained.
        how: how it is to be run.
        solver: its update rule, by ``type``, and what goes with it.
    """
    net = Net(graph, device=_META, seed=0, compute=Compute("eager", rewrite=False))
    module = rewrite(net.graph_module, device, torch.float32, how).module
    run = recompute_segments(module) if how.recompute else module
    rule = make_rule(solver.type, solver, net.learnable_params)
    with LiveBytes(_tensors(net)) as live:
        params = live.now
        batch = [torch.empty(top.shape, device=_META) for node in graph.sources for top in node.tops]
        history = rule.history([param.parameter for param in net.learnable_params])
        _iterate(net, run, rule, batch)
        gradients = [param.grad for param in net.parameters() if param.grad is not None]
    net.close()
    parts = params, _bytes(gradients), _bytes(history)
    return Footprint(*parts, live.peak - sum(parts))


def _iterate(net: Net, run: fx.GraphModule, rule: UpdateRule, batch: list[Tensor]) -> None:
    rule.zero_grad()
    outputs = run(*batch)
    loss = net.loss(outputs)
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    rule.step()


def _tensors(net: nn.Module) -> list[Tensor]:
    return [*net.parameters(), *net.buffers()]


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)
