"""In which order the records of a run come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ORDER, _SKIP = 0, 2  # the second of the numbers that seed a random stream


class Order:
    """Which of ``count`` items record r of a run is: item r mod ``count``, in an order that is drawn anew for
    each epoch, from ``seed`` and the epoch's number, where the items are shuffled. Thread-safe."""

    def __init__(self, count: int, *, seed: int = 0, shuffle: bool = False) -> None:
        self._count, self._seed, self._shuffle = count, seed % 2**64, shuffle
        self._drawn: dict[int, NDArray[np.int64]] = {}

    def __call__(self, record: int) -> int:
        epoch, place = divmod(record, self._count)
        return int(self.of_epoch(epoch)[place]) if self._shuffle else place

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        """All items in the order of an epoch."""
        if not self._shuffle:
            return np.arange(self._count)
        order = self._drawn.get(epoch)
        if order is None:
            order = np.random.default_rng((self._seed, _ORDER, epoch)).permutation(self._count)
            # Where an epoch ends, some workers are still in it while others are in the next.
            self._drawn = {e: o for e, o in self._drawn.items() if abs(e - epoch) == 1} | {epoch: order}
        return order


def draw_skip(seed: int, rand_skip: int) -> int:
    """How many records are left out at the start: a random number below ``rand_skip``."""
    return int(np.random.default_rng((seed % 2**64, _SKIP)).integers(rand_skip)) if rand_skip else 0
