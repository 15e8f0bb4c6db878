"""Decoded images, kept in memory while they fit."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_CGROUP = Path("/sys/fs/cgroup")


class ImageCache:
    """Images by key, up to ``limit`` bytes; what does not fit any more is made at each use. Thread-safe.

    Attributes:
        limit: how many bytes they may take.
        size: how many they take.
        is_full: whether an image was left out.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.is_full = False
        self._images: dict[Hashable, Bytes] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._images)

    def __deepcopy__(self, memo: dict[int, object]) -> ImageCache:
        """The same one: a copy of a net needs no images of its own."""
        return self

    def get(self, key: Hashable, make: Callable[[], Bytes]) -> Bytes:
        """The image of a key, which nobody may write to; ``make`` gives it where there is none."""
        found = self._images.get(key)
        if found is None:
            found = make()
            self._keep(key, found)
        return found

    def _keep(self, key: Hashable, image: Bytes) -> None:
        with self._lock:
            if key in self._images:
                return
            if self.size + image.nbytes > self.limit:
                self.is_full = True
                return
            image = image if image.base is None else image.copy()  # a view would hold more than it shows
            image.flags.writeable = False
            self._images[key] = image
            self.size += image.nbytes


_current: ContextVar[ImageCache | None] = ContextVar("image_cache", default=None)


def current_cache() -> ImageCache | None:
    """The cache for the sources of images that are being set up; None where there is to be none."""
    return _current.get()


@contextmanager
def caching(cache: ImageCache | None) -> Iterator[None]:
    """Lets what is set up inside keep its decoded images in a cache."""
    token = _current.set(cache)
    try:
        yield
    finally:
        _current.reset(token)


def free_memory() -> int:
    """The bytes that this process may still take without others losing theirs, as far as the system tells."""
    return max(0, min(_available(), _below_limit()))


def _available() -> int:
    for line in _read(Path("/proc/meminfo")).splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    if not hasattr(os, "sysconf"):
        return 2**30
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _below_limit() -> int:
    """What is left of the memory that a container may take."""
    limit, used = (_read(_CGROUP / f"memory.{name}").strip() for name in ("max", "current"))
    return int(limit) - int(used) if limit.isdecimal() and used.isdecimal() else 2**62


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
