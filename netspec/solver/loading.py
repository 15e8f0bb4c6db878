"""How data layers keep up with training."""

from __future__ import annotations

import time
from collections.abc import Iterator

from netspec.compiler.net import Net
from netspec.data.image_cache import ImageCache
from netspec.solver.events import Loading, Notice
from netspec.text.amount import amount


class LoadingMeter:
    """Watches the data layers of a train net, and the cache of all nets if there is one."""

    def __init__(self, net: Net, cache: ImageCache | None) -> None:
        self._net, self._cache = net, cache
        self._told: list[str] = []
        self.start()

    def start(self) -> None:
        """Counts from now on."""
        self._before = (time.perf_counter(), *self._counts())

    def measure(self) -> Loading | None:
        """What happened since the last time; None where no data layer was asked."""
        then, taken_before, made_before, waited_before = self._before
        self.start()
        now, taken, made, waited = self._before
        if taken == taken_before or now == then:
            return None
        images = (made - made_before) * self._net.batch_size
        return Loading(images / (now - then), min(1.0, (waited - waited_before) / (now - then)))

    def news(self) -> Iterator[Notice]:
        """What there is to say of the cache, each thing once."""
        if self._cache is None:
            return
        limit = amount(self._cache.limit, "B")
        if not self._told:
            yield self._notice(f"decoded images stay in memory, up to {limit}")
        if self._cache.is_full and len(self._told) == 1:
            kept = f"{len(self._cache)} decoded images take up all of {limit}"
            yield self._notice(f"{kept}: the others are decoded each time")

    def _notice(self, message: str) -> Notice:
        self._told.append(message)
        return Notice(message)

    def _counts(self) -> tuple[int, int, float]:
        """Batches taken, batches made, and the seconds that were spent waiting."""
        feeds = self._net.data.values()
        taken = max((feed.position for feed in feeds), default=0)
        made = max((feed.made for feed in feeds), default=0)
        return taken, made, sum(feed.waited for feed in feeds)
