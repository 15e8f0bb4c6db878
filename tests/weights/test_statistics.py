import tracemalloc
from math import inf, isnan, nan

import numpy as np
import pytest

from netspec.weights import statistics as module
from netspec.weights.statistics import Statistics, statistics


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_as_numpy_has_it(monkeypatch, dtype):
    monkeypatch.setattr(module, "_CHUNK", 7)
    values = np.random.default_rng(1).normal(100, 2, size=(5, 11)).astype(dtype)
    wide, found = values.astype(np.float64), statistics(values)
    assert (found.least, found.greatest, found.not_finite) == (wide.min(), wide.max(), 0)
    np.testing.assert_allclose([found.mean, found.std], [wide.mean(), wide.std()], rtol=1e-12)


def test_what_is_not_finite_is_counted_apart():
    assert statistics(np.float32([1, nan, 3, inf, -inf])) == Statistics(1, 3, 2, 1, 3)


@pytest.mark.parametrize("values", [[], [nan, inf]])
def test_without_a_finite_number(values):
    found = statistics(np.array(values))
    assert found.not_finite == len(values)
    assert isnan(found.least)
    assert isnan(found.std)


def test_numbers_near_the_largest():
    assert statistics(np.float64([1e308, -1e308])).std == inf


def test_a_scalar():
    assert statistics(np.float32(3).reshape(())) == Statistics(3, 3, 3, 0, 0)


def test_a_large_blob_is_not_copied():
    blob = np.broadcast_to(np.float32(2), (1 << 25,))
    tracemalloc.start()
    assert statistics(blob).mean == 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
