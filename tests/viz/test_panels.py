"""Which series are drawn, and what the values of theta are called. What goes together: see test_curves."""

from __future__ import annotations

from netspec.viz.panels import MOST_ELEMENTS, chosen, wants_log
from netspec.viz.training_log import Series


def series(source, name, kind="output", smoothed=False, elements=1):
    return Series(source, name, kind, smoothed, elements, [0], [1.0])


def test_the_only_train_loss_is_the_smoothed_one():
    loss, raw = series("train", "loss", "loss", smoothed=True), series("train", "loss", "loss")
    assert list(chosen([loss, raw])) == [loss]
    other = series("train", "aux", "loss")
    assert list(chosen([loss, raw, other])) == [loss, raw, other]


def test_a_result_is_drawn_only_when_asked_for():
    score, result = series("test0", "a"), series("test0", "p[0]", elements=MOST_ELEMENTS + 1)
    assert list(chosen([score, result])) == [score]
    assert list(chosen([score, result], ["p"])) == [result]


def test_the_scale():
    assert wants_log("loss", [0.01, 2.0])
    assert not wants_log("loss", [0.5, 2.0])
    assert not wants_log("loss", [0.0, 2.0])
    assert not wants_log("loss", [])
    assert not wants_log("accuracy", [0.001, 1.0])
