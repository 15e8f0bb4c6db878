"""Batches on their way to a CUDA device, while it computes on the ones before."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from netspec.compiler.engines.capture import new_stream


class Staging:
    """Copies batches to a device on a stream of its own, into two sets of buffers in turn.

    From pinned memory the copy of a batch runs beside the computation on the batches before: the host waits
    for neither.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = new_stream(device)
        self._slots = (_Slot(), _Slot())
        self._turn = 0

    def bring(self, values: Sequence[Tensor], targets: Sequence[Tensor]) -> None:
        """Writes values, wherever they are, to targets of the same shapes on the device, in the order of the
        current stream."""
        if any(value.is_cuda for value in values):  # made by what the current stream was given before
            _copy(values, targets)
            return
        current, slot = torch.cuda.current_stream(self._stream.device), self._slots[self._turn]
        self._turn = 1 - self._turn
        slot.fit(targets)
        self._stream.wait_event(slot.read)
        with torch.cuda.stream(self._stream):
            _copy(values, slot.buffers)
            slot.written.record(self._stream)
        current.wait_event(slot.written)
        _copy(slot.buffers, targets)
        slot.read.record(current)


class _Slot:
    """One set of buffers, and when it was last written and last read."""

    def __init__(self) -> None:
        self.buffers: list[Tensor] = []
        self.written = torch.cuda.Event()  # type: ignore[no-untyped-call, unused-ignore]
        self.read = torch.cuda.Event()  # type: ignore[no-untyped-call, unused-ignore]

    def fit(self, targets: Sequence[Tensor]) -> None:
        if [buffer.shape for buffer in self.buffers] == [target.shape for target in targets]:
            return
        self.buffers = [torch.empty_like(target) for target in targets]
        # What was allocated for the current stream may still be in use there.
        self.read.record(torch.cuda.current_stream())


def _copy(values: Sequence[Tensor], targets: Sequence[Tensor]) -> None:
    for target, value in zip(targets, values, strict=True):
        target.copy_(value, non_blocking=True)
