"""What is told of how data layers keep up, and of the cache."""

import pytest
import torch

from netspec.data.image_cache import ImageCache
from netspec.solver import events as ev
from netspec.solver.loading import LoadingMeter

DISPLAY = "display: 2\nmax_iter: 5"


def told(make, fields=DISPLAY, **options):
    events = []
    make(fields, listeners=[events.append], **options).train()
    return events


def test_each_display_tells_how_many_images_were_made(make):
    shown = [event.loading for event in told(make) if isinstance(event, ev.Displayed)]
    assert len(shown) == 3
    # None may have been made since the display before: some are made ahead.
    assert all(loading.images_per_second >= 0 and 0 <= loading.waited <= 1 for loading in shown)
    assert shown[0].images_per_second > 0


def test_waiting_counts(make):
    solver = make()
    meter = LoadingMeter(solver.net, None)
    for feed in solver.net.data.values():
        feed.made += 10
        feed.position += 10
        feed.waited += 1e9
    loading = meter.measure()
    assert loading.waited == 1
    assert loading.images_per_second > 0
    assert meter.measure() is None


def test_what_is_fed_was_not_loaded(make):
    events = []
    solver = make("display: 1", listeners=[events.append])
    feed = {"data": torch.ones(4, 1, 16, 16), "label": torch.ones(4), "noise": torch.ones(4, 8)}
    solver.step(3, feed=feed)
    assert {event.loading for event in events if isinstance(event, ev.Displayed)} == {None}


def test_a_cache_is_told_of(make):
    messages = [event.message for event in told(make, cache=True) if isinstance(event, ev.Notice)]
    assert len(messages) == 1
    assert messages[0].startswith("decoded images stay in memory, up to ")


def test_a_full_cache_is_told_of_once(make):
    cache = ImageCache(0)
    meter = LoadingMeter(make().net, cache)
    assert [notice.message for notice in meter.news()] == ["decoded images stay in memory, up to 0 B"]
    assert list(meter.news()) == []
    cache.is_full = True
    assert [notice.message for notice in meter.news()] == [
        "0 decoded images take up all of 0 B: the others are decoded each time"
    ]
    assert list(meter.news()) == []


@pytest.mark.parametrize("cache", [True, False])
def test_only_who_asks_has_a_cache(make, cache):
    assert (make(cache=cache).cache is not None) == cache
