"""Decoded images, kept while they fit."""

import copy
import threading
from functools import partial

import numpy as np
import pytest

from netspec.data import image_cache
from netspec.data.image_cache import ImageCache, caching, current_cache, free_memory


def image(value, size=10):
    return np.full((size, 1, 1), value, np.uint8)


def test_an_image_is_made_once():
    cache, made = ImageCache(100), []

    def make():
        made.append(1)
        return image(3)

    assert np.array_equal(cache.get("a", make), image(3))
    assert cache.get("a", make) is cache.get("a", make)
    assert (len(made), len(cache), cache.size, cache.is_full) == (1, 1, 10, False)


def test_what_does_not_fit_is_made_each_time():
    cache = ImageCache(25)
    for name in "abc":
        cache.get(name, lambda: image(1))
    assert (len(cache), cache.size, cache.is_full) == (2, 20, True)
    assert cache.get("c", lambda: image(7))[0] == 7


def test_a_kept_image_cannot_be_changed_and_holds_no_more_than_itself():
    cache, whole = ImageCache(100), image(1, 1000)
    cache.get("a", lambda: whole[:10])
    whole[:] = 5
    found = cache.get("a", lambda: image(0))
    assert found[0] == 1
    assert cache.size == found.nbytes == 10
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 2


def test_many_threads_may_ask():
    cache = ImageCache(1000)

    def ask():
        for number in range(500):
            cache.get(number % 50, partial(image, number % 50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(cache), cache.size, cache.is_full) == (50, 500, False)


def test_a_copy_of_a_net_shares_it():
    cache = ImageCache(100)
    assert copy.deepcopy({"cache": cache})["cache"] is cache


def test_the_current_cache():
    cache = ImageCache(1)
    assert current_cache() is None
    with caching(cache):
        assert current_cache() is cache
        with caching(None):
            assert current_cache() is None
    assert current_cache() is None


def test_free_memory_is_what_system_and_container_leave(monkeypatch):
    files = {"meminfo": "MemTotal: 9 kB\nMemAvailable: 8 kB\n", "memory.max": "max\n", "memory.current": "1"}
    monkeypatch.setattr(image_cache, "_read", lambda path: files.get(path.name, ""))
    assert free_memory() == 8 * 1024
    files["memory.max"] = "5001"
    assert free_memory() == 5000
    files["memory.current"] = "9999"
    assert free_memory() == 0
    files.clear()
    assert free_memory() > 0
