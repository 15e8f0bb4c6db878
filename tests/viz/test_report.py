"""What a report keeps of a training's lines: of one run, of several that go on, and of very long ones."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from netspec.errors import NetspecError
from netspec.viz.report import MOST_BYTES, MOST_NOTICES, MOST_PICTURES, Report, Tail, read_report


def lines(*records):
    """Lines of JSON, a second apart."""
    for second, (event, iteration, fields) in enumerate(records):
        yield json.dumps({"event": event, "time": 1000 + second, "iteration": iteration, **fields})


def report_of(*records, folder=None):
    report = Report(folder)
    for line in lines(*records):
        report.add(line)
    return report


def started(first=0):
    return "started", first, {"net": "n", "last": 100, "device": "cpu", "random_seed": 1}


def displayed(iteration, loss=1.0):
    told = {"loss": loss, "lr": 0.1, "iterations_per_second": 5.0, "waited": 0.5}
    return "displayed", iteration, {**told, "outputs": {"loss": loss}, "loss_weights": {"loss": 1}}


def scored(iteration, accuracy):
    return "tested", iteration, {"net": 0, "outputs": {"accuracy": accuracy}, "loss_weights": {}}


def transformed(iteration):
    told = {"layer": "st", "outside": 0.1, "largest": 1.5, "theta": [1.0, 0.0]}
    return "transformed", iteration, told


def snapshotted(iteration):
    return "snapshotted", iteration, {"weights": f"{iteration}.caffemodel", "state": f"{iteration}.state"}


def iterations(recording):
    return {(one.source, one.name): one.iterations for one in recording.series()}


def test_a_run():
    report = report_of(
        ("opened", 0, {"command": "netspec train"}),
        ("notice", 0, {"message": "hello", "severity": "info"}),
        started(),
        scored(0, 0.1),
        displayed(0),
        transformed(0),
        displayed(50),
        snapshotted(100),
        ("finished", 100, {"early": False}),
    )
    assert (report.session.state, report.iteration) == ("finished", 100)
    assert report.session.notices[0]["message"] == "hello"
    assert iterations(report.recording)["train", "loss"] == [0, 50]
    assert iterations(report.recording)["test0", "accuracy"] == [0]
    assert {name: one for (_, name), one in iterations(report.rates).items()} == {
        "iterations_per_second": [0, 50],
        "waited": [0, 50],
    }
    assert report.thetas["st"].means == [[1.0, 0.0]]
    assert [one["iteration"] for one in report.snapshots] == [100]


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (("finished", 9, {"early": True}), "stopped"),
        (("failed", 9, {"message": "no"}), "failed"),
        (displayed(9), "running"),
    ],
)
def test_how_it_ends(last, state):
    assert report_of(started(), last).session.state == state


def test_what_is_done_anew_takes_the_place_of_what_was_told_before():
    first = [("opened", 0, {}), started(), displayed(0), transformed(0), displayed(60), snapshotted(60)]
    killed = [displayed(90, 9.0), transformed(90), snapshotted(90)]
    report = report_of(
        *first, *killed, ("opened", 0, {}), ("restored", 60, {}), started(60), displayed(60, 0.5)
    )
    loss = next(one for one in report.recording.series() if one.smoothed)
    assert (loss.iterations, loss.values) == ([0, 60], [1.0, 0.5])
    assert report.thetas["st"].iterations == [0]
    assert [one["iteration"] for one in report.snapshots] == [60]
    assert [one.started["iteration"] for one in report.sessions] == [0, 60]


def test_a_new_training_in_the_same_folder_leaves_nothing_of_the_old_one():
    old = [("opened", 0, {}), started(), displayed(0), transformed(0), displayed(50), ("finished", 50, {})]
    report = report_of(*old, ("opened", 0, {}), started())
    assert len(report.sessions) == 1
    assert report.recording.is_empty
    assert report.thetas == {}
    assert report.session.state == "running"


def test_a_log_without_the_reports_own_lines():
    report = report_of(started(), displayed(0), started(10), displayed(10))
    assert len(report.sessions) == 2
    assert iterations(report.recording)["train", "loss"] == [0, 10]


@pytest.mark.parametrize("line", ["", "{", '{"event": "displayed"}', '{"a": 1}', "[1]", "null", "hello"])
def test_other_lines_are_passed_over(line):
    report = report_of(started())
    report.add(line)
    assert report.session.state == "running"


def test_pictures_are_thinned_out_evenly(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/a.jpg").write_bytes(b"\xff" * 100)
    shot = {"file": "a.jpg", "width": 2, "height": 2}
    report = report_of(started(), *[("pictured", i, shot) for i in range(0, 10_000, 10)], folder=tmp_path)
    kept = [one.iteration for one in report.pictures]
    assert len(kept) == MOST_PICTURES
    assert (kept[0], kept[-1]) == (0, 9990)
    gaps = [after - before for before, after in pairwise(kept)]
    assert max(gaps[:-1]) <= 4 * min(gaps[:-1])


def test_large_pictures_are_fewer(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/a.jpg").write_bytes(b"\xff" * 200_000)
    shot = {"file": "a.jpg", "width": 2, "height": 2}
    report = report_of(started(), *[("pictured", i, shot) for i in range(50)], folder=tmp_path)
    assert len(report.pictures) == MOST_BYTES // 200_000


def test_a_picture_that_is_gone_or_elsewhere_is_left_out(tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    shot = {"width": 2, "height": 2}
    report = report_of(
        started(),
        ("pictured", 0, {**shot, "file": "gone.jpg"}),
        ("pictured", 1, {**shot, "file": "../secret"}),
        folder=tmp_path,
    )
    assert report.pictures == []


def test_remarks_are_counted_but_not_all_kept():
    notices = [("notice", i, {"message": str(i)}) for i in range(MOST_NOTICES + 5)]
    session = report_of(started(), *notices).session
    assert (len(session.notices), session.hidden) == (MOST_NOTICES, 5)
    assert session.notices[-1]["message"] == str(MOST_NOTICES + 4)


def test_a_tail_waits_for_whole_lines(tmp_path):
    file = tmp_path / "log"
    file.write_text("one\ntw")
    tail = Tail(file)
    assert list(tail.lines()) == ["one\n"]
    assert list(tail.lines()) == []
    file.write_text("one\ntwo\nthree\n")
    assert list(tail.lines()) == ["two\n", "three\n"]


def test_a_log_of_caffe(tmp_path):
    file = tmp_path / "caffe.log"
    file.write_text("] Iteration 0, loss = 2.5\n] Iteration 100, loss = 1.5\n] Optimization Done.\n")
    report = read_report(file)
    assert (report.iteration, report.session.state) == (100, "finished")
    assert iterations(report.recording) == {("train", "loss"): [0, 100]}


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(NetspecError, match=r"events\.jsonl: error: the log cannot be read"):
        read_report(tmp_path)
    (tmp_path / "a.txt").write_text("nothing\n")
    with pytest.raises(NetspecError, match="the log tells of no training"):
        read_report(tmp_path / "a.txt")
