"""Work that threads do ahead of time and that comes out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

_AHEAD = 4  # items per thread that are made before they are asked for


def in_order(make: Callable[[A], B], items: Iterable[A], workers: int) -> Iterator[Future[B]]:
    """What ``make`` makes of each item, in the order of the items; ``workers`` threads run a little ahead.

    The futures are done or will be; each holds the error that its item met with, if any.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="netspec-in-order")
    try:
        jobs = (pool.submit(make, item) for item in items)
        pending = deque(islice(jobs, _AHEAD * workers))
        while pending:
            yield pending.popleft()
            pending.extend(islice(jobs, 1))
    finally:
        # Without waiting: what is dropped halfway may be collected in one of these very threads.
        pool.shutdown(wait=False, cancel_futures=True)
