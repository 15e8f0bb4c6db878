"""What a source of images holds: how many, of which shapes and labels, and what is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import inf

import numpy as np

from netspec.data.items import Item
from netspec.data.text_list import SHOWN
from netspec.errors import DataError
from netspec.text.diagnostic import Diagnostic


@dataclass
class Survey:
    """What was found so far.

    Attributes:
        count: how many records there are, broken ones too.
        shapes, stored, labels: how often each shape, each way of storing and each label occurs.
        low, high, mean: of all numbers.
        not_finite: how many records hold a number that is none, or infinite.
        names: of the first record and of the last.
        samples: the records that were to be kept.
        broken: how many records cannot be read, and of the first of them, why.
    """

    shapes: Counter[tuple[int, ...]] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    labels: Counter[float | None] = field(default_factory=Counter)
    low: float = inf
    high: float = -inf
    not_finite: int = 0
    names: list[str] = field(default_factory=list)
    samples: list[Item] = field(default_factory=list)
    broken: int = 0
    wrong: list[Diagnostic] = field(default_factory=list)
    count: int = 0
    _sum: float = 0.0
    _numbers: int = 0

    @property
    def mean(self) -> float:
        return self._sum / max(1, self._numbers)

    def add(self, item: Item, *, keep: bool = False) -> None:
        """Counts a record; ``keep`` makes it a sample."""
        self.shapes[item.values.shape] += 1
        self.stored[item.stored] += 1
        self.labels[item.label] += 1
        self.names = [*self.names[:1], item.name]
        finite = item.values if item.values.dtype == np.uint8 else item.values[np.isfinite(item.values)]
        self.not_finite += finite.size < item.values.size
        if finite.size:
            self.low, self.high = min(self.low, float(finite.min())), max(self.high, float(finite.max()))
            self._sum += float(finite.sum(dtype=np.float64))
            self._numbers += finite.size
        if keep:
            self.samples.append(item)

    def blame(self, error: DataError) -> None:
        """Counts a record that cannot be read."""
        self.broken += 1
        self.wrong += error.diagnostics[: SHOWN - len(self.wrong)]


def survey(items: Iterable[Future[Item]], samples: Iterable[int] = ()) -> Survey:
    """Looks at all records; those of the numbers ``samples`` are kept."""
    found, kept = Survey(), set(samples)
    for number, item in enumerate(items):
        found.count += 1
        try:
            found.add(item.result(), keep=number in kept)
        except DataError as error:
            found.blame(error)
    return found


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` numbers below ``count``, evenly spread."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})
