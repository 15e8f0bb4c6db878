"""Draws batches ahead of time, in threads."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from torch import Tensor

from netspec.data.stream import Stream

Batch = tuple[Tensor, ...]


class Feed:
    """The batches of a stream one after the other, made by ``workers`` threads up to ``ahead`` batches early.

    The order, and each batch's content, depend on the position alone, not on the number of workers. Image
    decoding and drawing run outside the interpreter's lock, so threads suffice.
    """

    def __init__(self, stream: Stream, *, workers: int = 1, ahead: int = 4) -> None:
        self.stream = stream
        self._workers = workers
        self._ahead = ahead
        self._position = 0
        self._pending: deque[Future[Batch]] = deque()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def position(self) -> int:
        """The number of the batch that `next` hands out next; set it to go elsewhere."""
        return self._position

    @position.setter
    def position(self, value: int) -> None:
        if value != self._position:
            self._forget()
            self._position = value

    def next(self) -> Batch:
        """The next batch.

        Raises:
            DataError: a record of it is missing or broken.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="netspec-feed")
        while len(self._pending) < self._ahead:
            index = self._position + len(self._pending)
            self._pending.append(self._pool.submit(self.stream.batch, index))
        # Taken off only once it is there: after an error or an interrupt, the position is still true.
        try:
            batch = self._pending[0].result()
        except BaseException:
            self._forget()  # whoever asks again wants to know whether it still fails
            raise
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

    def _forget(self) -> None:
        for future in self._pending:
            future.cancel()
        self._pending.clear()
