"""What became of a run, from what it told."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from netspec.cli.sweep.outcome import Outcome, read_outcome, read_records


def a_test(iteration, seconds, net=0, **outputs):
    return record(
        "tested", iteration, seconds, net=net, loss=None, outputs=outputs, loss_weights={"loss": 1.0}
    )


def displayed(iteration, seconds, loss):
    return record("displayed", iteration, seconds, loss=loss, lr=0.1, outputs={}, loss_weights={})


def finished(iteration, seconds, early=False):
    return record("finished", iteration, seconds, early=early, train_seconds=seconds)


def record(event, iteration, seconds, **fields):
    return {"event": event, "time": 0.0, "seconds": seconds, "iteration": iteration, **fields}


@pytest.fixture
def outcome(tmp_path):
    """The outcome of these records."""

    def outcome(*records, accuracies=("accuracy",)):
        file = tmp_path / "events.jsonl"
        file.write_text("".join(f"{json.dumps(one)}\n" for one in records) + '{"event": "cut sho')
        return read_outcome(file, accuracies)

    return outcome


def test_the_last_test_counts(outcome):
    found = outcome(
        a_test(0, 1, accuracy=0.1, loss=2.3), a_test(9, 4, accuracy=0.8, loss=0.5), finished(9, 5)
    )
    assert found == Outcome({"accuracy": 0.8, "loss": 0.5}, "accuracy", 0.8, 9, 5)
    assert found.headline == "accuracy = 0.8"
    assert Outcome.from_json(found.to_json()) == found


def test_the_time_of_all_processes_is_added_up(outcome):
    records = [a_test(0, 3, loss=2), displayed(5, 10, 1), a_test(0, 2, loss=2), a_test(9, 7, loss=1)]
    assert outcome(*records, finished(9, 8)).seconds == 18


def test_without_accuracy_the_least_loss_is_best(outcome):
    found = outcome(a_test(9, 1, loss=0.25, right=1.0), finished(9, 2))
    assert (found.figure, found.rank) == ("loss", -0.25)
    assert outcome(a_test(9, 1, right=0.7), finished(9, 2), accuracies=["right"]).rank == 0.7
    assert outcome(a_test(9, 1, right=0.7), finished(9, 2), accuracies=[]).rank == -math.inf


def test_each_test_net_and_each_number_has_a_column(outcome):
    found = outcome(
        a_test(9, 1, accuracy=[0.1, 0.9]), a_test(9, 1, net=1, accuracy=0.5, loss=3.0), finished(9, 2)
    )
    assert found.scores == {
        "accuracy[0] #0": 0.1,
        "accuracy[1] #0": 0.9,
        "accuracy #1": 0.5,
        "loss #1": 3.0,
    }
    assert (found.figure, found.rank) == ("accuracy[0] #0", 0.1)


def test_without_tests_the_train_loss_counts(outcome):
    found = outcome(displayed(0, 1, 2.0), displayed(4, 1, 1.0), finished(4, 2))
    assert (found.scores, found.rank, found.iteration) == ({"train loss": 1.0}, -1.0, 4)
    nothing = outcome(finished(4, 2))
    assert (nothing.scores, nothing.headline, nothing.iteration) == ({}, "no scores", 4)


def test_a_loss_that_is_no_number_is_never_best(outcome):
    found = outcome(a_test(9, 1, loss="nan"), finished(9, 2))
    assert math.isnan(found.scores["loss"])
    assert found.rank == -math.inf


@pytest.mark.parametrize(
    "records",
    [[], [a_test(9, 1, loss=1)], [finished(5, 1, early=True)], [finished(9, 1), record("started", 9, 0)]],
)
def test_what_has_not_reached_its_end_has_no_outcome(outcome, records):
    assert outcome(*records) is None


def test_no_records_without_a_file(tmp_path):
    assert [*read_records(tmp_path / "none")] == []
    assert read_outcome(Path(tmp_path / "none"), []) is None
