"""tools/bench/compare.py: that its nets are the same in both forms."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

BENCH = Path(__file__).parents[2] / "tools" / "bench"


@pytest.fixture
def compare(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import compare

    yield compare
    for name in ("compare", "nets"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["transformer", "googlenet"])
def test_peers_agree_and_take_turns(compare, name, training):
    peers = ["eager", "netspec", "netspec as written"]
    contest = compare.Contest(compare.CASES[name], 2, training, peers, torch.device("cpu"))
    contest.check()
    times = contest.turns(1)
    assert {peer: len(took) for peer, took in times.items()} == dict.fromkeys(peers, 1)
    if training:
        assert contest.memory("netspec") > 0


def test_a_net_that_computes_something_else_is_found(compare):
    case = compare.CASES["transformer"]
    contest = compare.Contest(case, 2, True, ["eager", "netspec"], torch.device("cpu"))
    with torch.no_grad():
        contest.nets["netspec"].params["ip2"][0].mul_(1.5)
    with pytest.raises(AssertionError, match="the loss is off by"):
        contest.check()


def test_words_for_nets(compare):
    assert compare.chosen(["transformer", "alexnet:3"]) == [
        ("transformer", 10), ("transformer", 64), ("transformer", 256), ("alexnet", 3),
    ]  # fmt: skip
