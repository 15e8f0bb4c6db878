"""A file that one process at a time may hold. The system gives it back when the process ends, however."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # a system without; there nobody but the user keeps two sweeps apart
    fcntl = None  # type: ignore[assignment]


@contextmanager
def held(path: Path, busy: Callable[[], None]) -> Iterator[None]:
    """Holds a file; while another process does, ``busy`` is called over and over: it waits, or raises."""
    with path.open("ab") as file:
        while not _take(file):
            busy()
        yield


def _take(file: IO[bytes]) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
