"""How a net is run: by which engine, how exactly, and with how much memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from netspec.compiler.engines import Choice, Compiled, EngineName, Replayed, choose
from netspec.compiler.precision import PrecisionName, dtype_of, half, products
from netspec.compiler.recompute import recompute_segments
from netspec.graph.graph import Graph

Tensors = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Compute:
    """How to run a net.

    Attributes:
        engine: "eager" layer by layer, "compiled" by `torch.compile`, "graph" as a CUDA graph, or "auto".
        precision: "fp32", "tf32" (products shortened, on CUDA), "bf16" or "fp16" (half precision, where
            little is lost by it).
        recompute: whether to keep few activations and to compute the others once more on the way back.
        rewrite: whether the module is rearranged to be quicker.

    Raises:
        ValueError: there is no such precision.
    """

    engine: EngineName = "auto"
    precision: PrecisionName = "fp32"
    recompute: bool = False
    rewrite: bool = True

    def __post_init__(self) -> None:
        dtype_of(self.precision)

    @property
    def dtype(self) -> torch.dtype:
        """What most of a net is computed in."""
        return dtype_of(self.precision)


DEFAULT = Compute()


class Runner:
    """Runs a graph module as a `Compute` says.

    Attributes:
        choice: the engine, and why that one; it changes where an engine turns out not to work.
    """

    def __init__(self, module: fx.GraphModule, graph: Graph, device: torch.device, how: Compute) -> None:
        self._how, self._device = how, device
        self.choice: Choice = choose(how.engine, graph, device, recompute=how.recompute)
        self._run: Callable[..., Tensors] = module
        if how.recompute and graph.training:
            self._run = recompute_segments(module)
        elif self.choice.engine == "compiled":
            self._run = Compiled(module, self.give_up)
        elif self.choice.engine == "graph":
            self._run = Replayed(module, self.give_up)

    def __call__(self, *tensors: Tensor) -> Tensors:
        with self._exactness():
            return self._run(*tensors)

    def give_up(self, reason: str) -> None:
        """Notes that the chosen engine does not work."""
        self.choice = self.choice.failed(reason)

    @contextmanager
    def _exactness(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self._device.type == "cuda":
                stack.enter_context(products(self._how.precision))
            if self._how.dtype != torch.float32:
                stack.enter_context(half(self._how.precision, self._device))
            yield
