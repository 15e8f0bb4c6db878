"""Draws batches ahead of time, in threads."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from netspec.data.stream import Listed, Stream

Batch = tuple[Tensor, ...]

_CPU = torch.device("cpu")


class Feed:
    """The batches of a stream one after the other, made by ``workers`` threads up to ``ahead`` batches early.

    The order, and each batch's content, depend on the position alone, not on the number of workers. Image
    decoding and drawing run outside the interpreter's lock, so threads suffice.

    Args:
        workers: how many threads; None for `sensible_workers`. There are no more than batches to be made
            early.
        device: where the batches will go. For a CUDA device the workers put them into pinned memory, from
            which they are copied while the device computes.

    Attributes:
        made: how many batches the workers have made.
        waited: the seconds that `next` had to wait for them.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        workers: int | None = None,
        ahead: int = 4,
        device: torch.device = _CPU,
    ) -> None:
        self.stream = stream
        self.device = device
        self._workers = min(workers or sensible_workers(), ahead)
        self._ahead = ahead
        self._position = 0
        self._pending: deque[Future[Batch]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        self.made = 0
        self.waited = 0.0

    @property
    def position(self) -> int:
        """The number of the batch that `next` hands out next; set it to go elsewhere."""
        return self._position

    @position.setter
    def position(self, value: int) -> None:
        if value != self._position:
            self._forget()
            self._position = value

    @property
    def digest(self) -> str:
        """Tells what the stream reads from what another reads; empty where it reads nothing.

        Raises:
            DataError: the source is broken.
        """
        return self.stream.digest if isinstance(self.stream, Listed) else ""

    def next(self) -> Batch:
        """The next batch.

        Raises:
            DataError: a record of it is missing or broken.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="netspec-feed")
        while len(self._pending) < self._ahead:
            index = self._position + len(self._pending)
            self._pending.append(self._pool.submit(self._make, index))
        begin = perf_counter()
        # Taken off only once it is there: after an error or an interrupt, the position is still true.
        try:
            batch = self._pending[0].result()
        except BaseException:
            self._forget()  # whoever asks again wants to know whether it still fails
            raise
        self.waited += perf_counter() - begin
        self._pending.popleft()
        self._position += 1
        return batch

    def close(self) -> None:
        """Stops the threads; the position stays, and `next` starts them anew."""
        self._forget()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: the stream and the position, without threads."""
        return {**self.__dict__, "_pending": deque(), "_pool": None}

    def _make(self, index: int) -> Batch:
        batch = self.stream.batch(index)
        self.made += 1  # one more or less, should two workers get here together
        if self.device.type != "cuda":
            return batch
        with torch.cuda.device(self.device):  # a thread of its own has the first device for its current one
            return tuple(tensor.pin_memory() for tensor in batch)

    def _forget(self) -> None:
        for future in self._pending:
            future.cancel()
        self._pending.clear()


def sensible_workers() -> int:
    """How many threads make batches where nothing else is said: half the CPUs that this process may use,
    shared between the processes that torchrun started here; the net computes on the others."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return max(1, cpus // 2 // max(1, int(processes) if processes.isdecimal() else 1))
