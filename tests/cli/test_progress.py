"""The bar below the log."""

from __future__ import annotations

from io import StringIO

import pytest
import torch
from rich.console import Console

from netspec.cli.progress import ProgressBar
from netspec.solver.events import Displayed, Iterated, Started


@pytest.fixture
def clock(monkeypatch):
    """Sets the time that the bar sees."""
    now = [100.0]
    monkeypatch.setattr("netspec.cli.progress.monotonic", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def drawn(events, clock):
    """What a terminal of 120 columns got after a run of (seconds since the one before, event)."""
    file = StringIO()
    with ProgressBar(Console(file=file, force_terminal=True, width=120)) as bar:
        for seconds, event in events:
            clock(seconds)
            bar(event)
    return file.getvalue()


def test_shows_where_the_training_stands(clock):
    text = drawn(
        [
            (0, Started("alpha", 20, 200, "cpu", 1, "fixed")),
            (0, Displayed(20, 2.0, 1.0, 20, 20, (), 0.05)),
            (2, Iterated(21, torch.tensor(0.123456), 64)),
        ],
        clock,
    )
    for part in ("21/200", "loss 0.1235", "lr 0.05", "32 images/s"):
        assert part in text


def test_does_not_read_every_loss(clock):
    class Unread:
        def item(self):
            raise AssertionError("the device was waited for")

    events = [(0, Started("alpha", 0, 9, "cpu", 1, "fixed")), (0.01, Iterated(1, Unread(), 64))]
    assert "loss -" in drawn(events, clock)


def test_images_since_the_last_look_count(clock):
    loss = torch.tensor(1.0)
    events = [
        (0, Started("alpha", 0, 9, "cpu", 1, "fixed")),
        (0.1, Iterated(1, loss, 10)),
        (0.9, Iterated(2, loss, 10)),
    ]
    assert "20 images/s" in drawn(events, clock)


def test_lines_stay_as_they_are():
    file = StringIO()
    line = "    Test net output #0: [bold] " + "x" * 200
    with ProgressBar(Console(file=file, force_terminal=True, width=80)) as bar:
        bar.write(line)
    assert line in file.getvalue()
