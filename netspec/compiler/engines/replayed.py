"""Forward passes as CUDA graphs, for nets that only look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from netspec.compiler.engines.capture import Captured, new_stream, reason

Tensors = dict[str, Tensor]
Shapes = tuple[torch.Size, ...]

_WARM_UP = 2
_MOST = 8  # shapes whose graphs are kept: each has memory of its own


@dataclass(frozen=True, slots=True)
class _Recording:
    inputs: list[Tensor]
    graph: Captured[Tensors]


class Replayed:
    """A graph module whose forward passes are recorded as CUDA graphs, one for each shape of what is fed.

    The first passes of a shape run as they are. So do all from which gradients may be wanted.

    Args:
        module: what to run.
        on_failure: told why, once, where it cannot be recorded.
    """

    def __init__(self, module: fx.GraphModule, on_failure: Callable[[str], None]) -> None:
        self._module, self._on_failure = module, on_failure
        self._works = True
        self._passes: Counter[Shapes] = Counter()
        self._recordings: dict[Shapes, _Recording] = {}

    def __call__(self, *tensors: Tensor) -> Tensors:
        shapes = tuple(tensor.shape for tensor in tensors)
        if not self._works or torch.is_grad_enabled() or not self._is_recorded(shapes, tensors):
            outputs: Tensors = self._module(*tensors)
            return outputs
        recording = self._recordings[shapes]
        for place, value in zip(recording.inputs, tensors, strict=True):
            place.copy_(value, non_blocking=True)
        return {name: output.clone() for name, output in recording.graph.replay().items()}

    def _is_recorded(self, shapes: Shapes, tensors: tuple[Tensor, ...]) -> bool:
        """Records the module for these shapes when it is time to."""
        if shapes in self._recordings:
            return True
        self._passes[shapes] += 1
        if self._passes[shapes] <= _WARM_UP or len(self._recordings) == _MOST:
            return False
        outside, stream = torch.cuda.current_stream(), new_stream(tensors[0].device)
        stream.wait_stream(outside)
        inputs = [tensor.clone() for tensor in tensors]
        torch.clear_autocast_cache()  # a graph must make what it reads itself
        try:
            with torch.cuda.stream(stream):
                graph = Captured(lambda: self._module(*inputs), module=self._module)
        except RuntimeError as error:
            self._works = False
            self._on_failure(reason(error))
            return False
        finally:
            torch.clear_autocast_cache()
            outside.wait_stream(stream)
        self._recordings[shapes] = _Recording(inputs, graph)
        return True
