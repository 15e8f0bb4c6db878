"""The range of a blob's numbers, however many they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np

from netspec.weights.wire import Floats

_CHUNK = 1 << 20  # numbers that are looked at together


@dataclass(frozen=True, slots=True)
class Statistics:
    """Least, greatest, mean and standard deviation of the finite numbers (NaN where there are none), and how
    many are not finite."""

    least: float = nan
    greatest: float = nan
    mean: float = nan
    std: float = nan
    not_finite: int = 0


def statistics(blob: Floats) -> Statistics:
    """Reads a blob once, a piece at a time."""
    flat = blob.reshape(-1)
    count, mean, squares, least, greatest = 0, 0.0, 0.0, inf, -inf
    for first in range(0, flat.size, _CHUNK):
        piece = flat[first : first + _CHUNK].astype(np.float64)
        piece = piece[np.isfinite(piece)]
        if piece.size == 0:
            continue
        with np.errstate(over="ignore"):  # of the squares of doubles, whose deviation is then infinite
            away, added = float(piece.mean()) - mean, piece.size
            squares += float(((piece - piece.mean()) ** 2).sum()) + away**2 * count * added / (count + added)
        count += added
        mean += away * added / count
        least, greatest = min(least, float(piece.min())), max(greatest, float(piece.max()))
    if count == 0:
        return Statistics(not_finite=flat.size)
    return Statistics(least, greatest, mean, sqrt(squares / count), flat.size - count)
