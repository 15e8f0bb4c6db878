"""`torch.compile`, with the way back where it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

Tensors = dict[str, Tensor]


class Compiled:
    """A graph module that `torch.compile` makes quicker at its first call, forward and backward.

    Where that fails (no C++ compiler, an operation without a kernel), the module runs as it is, from then on.

    Args:
        module: what to run.
        on_failure: told why, once, where it cannot be compiled.
        backend: PyTorch's name for the compiler.
    """

    def __init__(
        self, module: fx.GraphModule, on_failure: Callable[[str], None], *, backend: str = "inductor"
    ) -> None:
        self._module = module
        self._on_failure = on_failure
        # Random numbers as PyTorch draws them: the engine must not decide which units Dropout leaves out.
        options: dict[str, Any] | None = {"fallback_random": True} if backend == "inductor" else None
        self._compiled: Callable[..., Tensors] | None = torch.compile(
            module, fullgraph=True, backend=backend, options=options
        )

    def __call__(self, *tensors: Tensor) -> Tensors:
        if self._compiled is not None:
            try:
                return self._compiled(*tensors)
            except Exception as error:  # whatever a compiler may raise
                reason = summary(error)
        outputs: Tensors = self._module(*tensors)  # a mistake of the caller's is raised here once more
        if self._compiled is not None:
            self._compiled = None
            self._on_failure(reason)
        return outputs


def summary(error: Exception) -> str:
    """What an error says, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = next((line for line in lines if not line.endswith(":")), type(error).__name__)
    return said.partition(": ")[2] if said.startswith("backend='") and ": " in said else said
