"""The line in which a verb says what came out."""

from __future__ import annotations

import pytest

from netspec import compile_net
from netspec.cli.report import duration, score
from netspec.solver.events import OutputValue


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0312, "0.031 s"), (3.26, "3.3 s"), (52.4, "52 s"), (200, "3 min 20 s"), (7530, "2 h 5 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_accuracy_goes_before_loss(folder):
    outputs = [OutputValue("loss", 0.5, 1.0), OutputValue("accuracy", 0.9876, 0.0)]
    assert score(compile_net("net.prototxt", phase="TEST"), outputs) == "accuracy 98.76 %"


def test_without_accuracy_the_weighted_loss(folder):
    outputs = [OutputValue("loss", 0.5, 2.0), OutputValue("other", 3.0, 0.0)]
    assert score(compile_net("net.prototxt", phase="TRAIN"), outputs) == "loss 1"
