"""Batches drawn ahead of time."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from contextlib import nullcontext

import pytest
import torch

from netspec.data.feed import Feed, sensible_workers
from netspec.errors import DataError


class Numbers:
    """Batch k is the number k; the batches named in ``slow`` take a while, those in ``broken`` fail."""

    shapes = ((),)

    def __init__(self, slow=(), broken=()):
        self.slow, self.broken = frozenset(slow), set(broken)

    def batch(self, index):
        if index in self.slow:
            time.sleep(0.02)
        if index in self.broken:
            raise DataError.at(f"record {index} is broken")
        return (torch.tensor(float(index)),)


def draw(feed, count):
    return [int(feed.next()[0]) for _ in range(count)]


@pytest.fixture
def make():
    feeds = []

    def feed(*args, **options):
        feeds.append(Feed(*args, **options))
        return feeds[-1]

    yield feed
    for made in feeds:
        made.close()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("ahead", [1, 4])
def test_the_order_does_not_depend_on_the_workers(make, workers, ahead):
    feed = make(Numbers(slow={0, 3, 4}), workers=workers, ahead=ahead)
    assert draw(feed, 8) == list(range(8))
    assert feed.position == 8


def test_batches_are_made_ahead(make):
    made = threading.Semaphore(0)
    stream = Numbers()
    plain = stream.batch
    stream.batch = lambda index: (plain(index), made.release())[0]
    feed = make(stream, ahead=3)
    feed.next()
    assert all(made.acquire(timeout=5) for _ in range(3))


def test_nothing_is_drawn_before_the_first_call(make):
    feed = make(Numbers(broken={0}))
    assert feed.position == 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("netspec-feed")]


def test_the_position_can_be_set(make):
    feed = make(Numbers())
    assert draw(feed, 2) == [0, 1]
    feed.position = 10
    assert draw(feed, 2) == [10, 11]
    feed.position = 0
    assert draw(feed, 2) == [0, 1]
    feed.position = feed.position
    assert draw(feed, 2) == [2, 3]


def test_an_error_comes_out_at_its_batch_and_stays_there(make):
    feed = make(Numbers(broken={2}))
    assert draw(feed, 2) == [0, 1]
    for _ in range(2):
        with pytest.raises(DataError, match="record 2 is broken"):
            feed.next()
        assert feed.position == 2


def test_after_an_error_one_can_go_on_elsewhere_or_try_again(make):
    stream = Numbers(broken={2})
    feed = make(stream)
    draw(feed, 2)
    with pytest.raises(DataError):
        feed.next()
    feed.position = 3
    assert draw(feed, 2) == [3, 4]
    feed.position = 2
    with pytest.raises(DataError):
        feed.next()
    stream.broken.clear()
    feed.close()
    assert draw(feed, 2) == [2, 3]


def test_close_stops_the_threads_and_next_goes_on(make):
    feed = make(Numbers(), workers=2)
    draw(feed, 3)
    feed.close()
    feed.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("netspec-feed")]
    assert feed.position == 3
    assert draw(feed, 2) == [3, 4]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda feed: pickle.loads(pickle.dumps(feed))])
def test_a_copy_goes_on_by_itself(make, copied):
    feed = make(Numbers())
    draw(feed, 3)
    twin = copied(feed)
    assert draw(twin, 2) == draw(feed, 2) == [3, 4]
    twin.position = 0
    twin.close()
    assert draw(feed, 1) == [5]


def test_after_an_error_a_batch_is_drawn_anew():
    class Broken:
        shapes = ((1,),)
        missing = True

        def batch(self, index):
            if self.missing:
                raise DataError.at("no such image")
            return (torch.tensor([float(index)]),)

    feed = Feed(Broken())
    for _ in range(2):
        with pytest.raises(DataError, match="no such image"):
            feed.next()
    feed.stream.missing = False
    assert [feed.next()[0].item() for _ in range(6)] == [0, 1, 2, 3, 4, 5]
    feed.close()


@pytest.mark.parametrize(
    ("cpus", "processes", "workers"), [(1, "1", 1), (2, "1", 1), (16, "1", 8), (16, "4", 2), (2, "8", 1)]
)
def test_half_the_cpus_make_batches(monkeypatch, cpus, processes, workers):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(cpus)), raising=False)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
    assert sensible_workers() == workers


def test_no_more_workers_than_batches_to_make(make):
    assert make(Numbers(), workers=9, ahead=3)._workers == 3


def test_what_is_read_has_a_digest(make):
    stream = Numbers()
    assert make(stream).digest == ""
    stream.digest = "abc"
    assert make(stream).digest == "abc"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: only CUDA pins memory")
def test_batches_for_a_gpu_are_in_pinned_memory(make):
    feed = make(Numbers(), device=torch.device("cuda", 0))
    assert feed.next()[0].is_pinned()
    assert not make(Numbers()).next()[0].is_pinned()


def test_batches_for_a_gpu_are_pinned_where_they_are_made(make, monkeypatch):
    """The same without a GPU: what is asked of PyTorch, and in which thread."""
    threads = []

    def pin(tensor):
        threads.append(threading.current_thread().name)
        return tensor + 100

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    feed = make(Numbers(), device=torch.device("cuda", 0))
    assert draw(feed, 3) == [100, 101, 102]
    assert all(name.startswith("netspec-feed") for name in threads)
    plain = make(Numbers())
    assert draw(plain, 2) == [0, 1]
