"""CUDA graphs: what a stream was given once, given again without the host's help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from netspec.compiler.engines.compiled import summary
from netspec.layers.base import Layer

Result = TypeVar("Result")


class Captured(Generic[Result]):
    """A function without arguments, recorded as a CUDA graph on the current stream, which must not be the
    default one. Recording computes nothing.

    Generators that the function draws from go on from replay to replay.

    Args:
        function: what to record. It must have run before, so that all is set up that is set up once.
        module: whose buffers the function may bind anew; they are written in place instead, since a graph
            only knows places.
        pool: the memory of another graph, which is never replayed at the same time.

    Attributes:
        result: what the function gave: tensors that each replay writes anew.

    Raises:
        RuntimeError: the function does what cannot be recorded, such as waiting for the device.
    """

    def __init__(
        self,
        function: Callable[[], Result],
        *,
        module: nn.Module | None = None,
        pool: Any = None,
    ) -> None:
        self._graph = torch.cuda.CUDAGraph()
        stream = torch.cuda.current_stream()
        # Only this thread is held to what a recording allows: others may pin memory for batches meanwhile.
        recording = torch.cuda.graph(self._graph, pool, stream, capture_error_mode="thread_local")
        buffers = _buffers(module)
        try:
            with recording:
                self.result = function()
                for owner, name, before in buffers:
                    if owner._buffers[name] is not before:
                        before.copy_(owner._buffers[name])  # type: ignore[arg-type]
        except RuntimeError:
            _leave_recording(stream.device_index)
            raise
        finally:
            for owner, name, before in buffers:
                owner._buffers[name] = before

    def replay(self) -> Result:
        """Runs it on the current stream."""
        self._graph.replay()  # type: ignore[no-untyped-call, unused-ignore]
        return self.result

    @property
    def pool(self) -> Any:
        """The graph's memory, for another one to share."""
        return self._graph.pool()  # type: ignore[no-untyped-call, unused-ignore]


def new_stream(device: torch.device) -> torch.cuda.Stream:
    """A stream beside the default one."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call, unused-ignore]


def _leave_recording(device: int) -> None:
    """Lets random numbers be drawn again where a recording failed, which its end then never told them."""
    generator = torch.cuda.default_generators[device]
    generator.graphsafe_set_state(generator.clone_state())


def reason(error: Exception) -> str:
    """Why something cannot be recorded, and which layer it is in."""
    while isinstance(error.__context__, Exception):  # ending a recording that failed fails, too
        error = error.__context__
    layer = blamed_layer(error)
    where = "" if layer is None else f"layer '{layer.name}' ({layer.spec.type}): "
    return f"{where}{summary(error)}"


def blamed_layer(error: BaseException) -> Layer | None:
    """The innermost layer that was computing when an error was raised."""
    found, trace = None, error.__traceback__
    while trace is not None:
        found = _layer_of(trace.tb_frame) or found
        trace = trace.tb_next
    return found


def _layer_of(frame: FrameType) -> Layer | None:
    owner: Any = frame.f_locals.get("self")
    return owner if isinstance(owner, Layer) else None


def _buffers(module: nn.Module | None) -> list[tuple[nn.Module, str, Tensor]]:
    """All buffers: whose, under which name, and the tensor."""
    owners: Sequence[nn.Module] = [] if module is None else list(module.modules())
    return [
        (owner, name, value)
        for owner in owners
        for name, value in owner._buffers.items()
        if value is not None
    ]
