"""In which order the records of a run come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ORDER, _SKIP = 0, 2  # the second of the numbers that seed a random stream


class Order:
    """Which of ``count`` items record r of a run is: item r mod ``count``, in an order that is drawn anew for
    each epoch, from ``seed`` and the epoch's number, where the items are shuffled."""

    def __init__(self, count: int, *, seed: int = 0, shuffle: bool = False) -> None:
        self._count, self._seed, self._shuffle = count, seed % 2**64, shuffle
        self._drawn: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def __call__(self, record: int) -> int:
        epoch, place = divmod(record, self._count)
        return int(self.of_epoch(epoch)[place]) if self._shuffle else place

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        """All items in the order of an epoch."""
        if not self._shuffle:
            return np.arange(self._count)
        known, order = self._drawn
        if known != epoch:
            order = np.random.default_rng((self._seed, _ORDER, epoch)).permutation(self._count)
            self._drawn = (epoch, order)
        return order


def draw_skip(seed: int, rand_skip: int) -> int:
    """How many records are left out at the start: a random number below ``rand_skip``."""
    return int(np.random.default_rng((seed % 2**64, _SKIP)).integers(rand_skip)) if rand_skip else 0
