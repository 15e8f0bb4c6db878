from itertools import chain

import pytest
import torch.distributed

from netspec.data.share import Share, current_share
from netspec.errors import DataError


def test_alone_one_reads_all():
    assert Share().records(0, 3) == range(0, 3)
    assert Share().records(2, 3, skip=5) == range(11, 14)
    assert [Share().batch(index) for index in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_record_r_goes_to_rank_r_mod_size(size):
    for rank in range(size):
        numbers = list(chain.from_iterable(Share(rank, size).records(index, 4) for index in range(6)))
        assert numbers == [rank + size * place for place in range(24)]


def test_skipped_records_are_nobody_s():
    ranks = [set(Share(rank, 3).records(0, 2, skip=7)) for rank in range(3)]
    assert set.union(*ranks) == set(range(7, 13))


def test_batches_without_records_are_dealt_out():
    assert sorted(Share(rank, 3).batch(index) for rank in range(3) for index in range(4)) == list(range(12))


@pytest.mark.parametrize(("rank", "size"), [(-1, 2), (2, 2), (0, 0)])
def test_ranks_that_cannot_be(rank, size):
    with pytest.raises(DataError, match=f"there is no rank {rank} among {size} processes"):
        Share(rank, size)


@pytest.fixture
def environment(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)

    def put(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return put


def test_without_anything_said(environment):
    assert current_share() == Share()


def test_as_torchrun_says(environment):
    environment(RANK="2", WORLD_SIZE="4")
    assert current_share() == Share(2, 4)


def test_a_rank_alone_says_nothing(environment):
    environment(RANK="2")
    assert current_share() == Share()


@pytest.mark.parametrize(("rank", "size"), [("x", "2"), ("0", ""), ("-1", "2")])
def test_no_numbers(environment, rank, size):
    environment(RANK=rank, WORLD_SIZE=size)
    with pytest.raises(DataError, match="RANK and WORLD_SIZE in the environment are no numbers"):
        current_share()


def test_an_initialised_group_goes_first(environment, monkeypatch):
    environment(RANK="2", WORLD_SIZE="4")
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
    assert current_share() == Share(1, 3)
