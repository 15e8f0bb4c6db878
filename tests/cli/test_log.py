"""The log lines, read back with the expressions that Caffe's log parser uses."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
import torch

from netspec.cli.log import CaffeLog, glog, output_line, show_unused_gpus, show_warnings
from netspec.solver import events
from netspec.solver.events import OutputValue
from netspec.text.diagnostic import Diagnostic

# Caffe's tools/extra/parse_log.py finds its numbers with these.
ITERATION = re.compile(r"Iteration (\d+)")
TRAIN_OUTPUT = re.compile(r"Train net output #(\d+): (\S+) = ([\.\deE+-]+)")
TEST_OUTPUT = re.compile(r"Test net output #(\d+): (\S+) = ([\.\deE+-]+)")
RATE = re.compile(r"lr = ([-+]?[0-9]*\.?[0-9]+([eE]?[-+]?[0-9]+)?)")

EVENTS = [
    events.Started("alpha", 0, 100, "cpu", 7, "step"),
    events.TestStarted(0, 0, 10),
    events.Tested(0, 0, (OutputValue("accuracy", 0.1, 0.0), OutputValue("loss", 2.302581, 1.0)), None, 0.5),
    events.Displayed(0, 2.5, 0.25, 0, 100, (OutputValue("loss", 2.5, 0.5),), 0.01),
    events.Iterated(1, torch.tensor(2.5), 64),
    events.Displayed(
        100, 0.5, 8.1, 100, 100, (OutputValue("accuracy", 0.9, 0), OutputValue("loss", 0.5, 1)), 1e-5
    ),
    events.Snapshotted(100, Path("a_iter_100.caffemodel"), Path("a_iter_100.solverstate")),
    events.Displayed(100, 0.4, 0.1, 0, 100, (), None),
    events.Finished(100, 9.0, early=False),
]


def lines(*told):
    written = []
    log = CaffeLog(written.append)
    for event in told:
        log(event)
    return written


def messages(*told):
    return [line.partition("] ")[2] for line in lines(*told)]


def test_a_whole_run():
    assert messages(*EVENTS) == [
        "Device cpu, random seed 7",
        "Solving alpha",
        "Learning Rate Policy: step",
        "Iteration 0, Testing net (#0)",
        "    Test net output #0: accuracy = 0.1",
        "    Test net output #1: loss = 2.30258 (* 1 = 2.30258 loss)",
        "Iteration 0 (0 iter/s, 0.25s/100 iters), loss = 2.5",
        "    Train net output #0: loss = 2.5 (* 0.5 = 1.25 loss)",
        "Iteration 0, lr = 0.01",
        "Iteration 100 (12.3457 iter/s, 8.1s/100 iters), loss = 0.5",
        "    Train net output #0: accuracy = 0.9",
        "    Train net output #1: loss = 0.5 (* 1 = 0.5 loss)",
        "Iteration 100, lr = 1e-05",
        "Snapshotting to binary proto file a_iter_100.caffemodel",
        "Snapshotting solver state to binary proto file a_iter_100.solverstate",
        "Iteration 100, loss = 0.4",
        "Optimization Done.",
    ]


def test_the_engine_and_the_loader_have_lines_of_their_own():
    started = events.Started("alpha", 0, 100, "cpu", 7, "step", "engine eager: it is small")
    shown = events.Displayed(4, 0.5, 2.0, 4, 4, (), 0.1, events.Loading(1234.56, 0.0321))
    said = messages(started, shown)
    assert said[2:4] == ["Learning Rate Policy: step", "engine eager: it is small"]
    assert said[-1] == "    Data: 1235 images/s made, 3.2% of the time spent waiting"
    for pattern in (ITERATION, TRAIN_OUTPUT, TEST_OUTPUT, RATE):
        assert not pattern.search(said[3])
        assert not pattern.search(said[-1])


def test_a_transformer_has_a_line_of_its_own():
    (said,) = messages(events.Transformed(40, "st1", 0.0314, 1.23456, (1.0, 0.0), ("t1", "t2")))
    assert said == "    Transformer st1: 3.1% of the samples outside the image, largest |theta| 1.235"
    for pattern in (ITERATION, TRAIN_OUTPUT, TEST_OUTPUT, RATE):
        assert not pattern.search(said)


def test_every_line_has_glogs_prefix_and_a_time():
    pattern = re.compile(r"I(\d{4}) (\d\d:\d\d:\d\d\.\d{6}) +\d+ \w+\.cpp:\d+\] \S?")
    for line in lines(*EVENTS):
        day, time = pattern.match(line).groups()
        # 2000 is a leap year: whatever the date is today, it exists.
        datetime.strptime(f"2000{day} {time}", "%Y%m%d %H:%M:%S.%f")


def test_caffes_log_parser_reads_it():
    log = "\n".join(lines(*EVENTS))
    assert TRAIN_OUTPUT.findall(log) == [("0", "loss", "2.5"), ("0", "accuracy", "0.9"), ("1", "loss", "0.5")]
    assert TEST_OUTPUT.findall(log) == [("0", "accuracy", "0.1"), ("1", "loss", "2.30258")]
    assert [float(rate) for rate, _ in RATE.findall(log)] == [0.01, 1e-5]
    assert {int(number) for number in ITERATION.findall(log)} == {0, 100}


def test_hdf5_snapshots_and_early_stop():
    event = events.Snapshotted(3, Path("a_iter_3.caffemodel.h5"), Path("a_iter_3.solverstate.h5"))
    assert messages(event, events.Finished(3, 1.0, early=True)) == [
        "Snapshotting to HDF5 file a_iter_3.caffemodel.h5",
        "Snapshotting solver state to HDF5 file a_iter_3.solverstate.h5",
        "Optimization stopped early.",
        "Optimization Done.",
    ]


def test_loss_of_a_test_where_asked_for():
    assert messages(events.Tested(0, 0, (), 0.25, 1.0)) == ["Test loss: 0.25"]


def test_a_notice_keeps_its_prefix_on_each_line():
    written = lines(events.Notice("one\ntwo", "warning"), events.Notice("three"))
    assert [(line[0], line.partition("] ")[2]) for line in written] == [
        ("W", "one"),
        ("W", "two"),
        ("I", "three"),
    ]


@pytest.mark.parametrize(("value", "text"), [(1e-7, "1e-07"), (123456789.0, "1.23457e+08"), (1.0, "1")])
def test_numbers_as_a_cpp_stream_writes_them(value, text):
    assert output_line(OutputValue("x", value, 0.0)) == f"x = {text}"


def test_glog_pads_the_process_id():
    assert re.match(r"E\d{4} [\d:.]{15} {1,5}\d+ here:1\] message", glog("message", "here:1", "E"))


def test_each_warning_once():
    written = []
    warning = Diagnostic("odd", severity="warning")
    show_warnings([warning, Diagnostic("even", severity="warning"), warning], written.append)
    assert written == ["warning: odd", "warning: even"]


def test_debug_info_as_caffe_writes_it():
    ip = [("top", "ip1"), ("param", "0"), ("param", "bias")]
    data = tuple(events.Magnitude("ip1", side, blob, 0.1234567) for side, blob in ip)
    written = lines(
        events.ForwardInspected(0, None, data),
        events.BackwardInspected(
            0, (events.Magnitude("ip1", "bottom", "data", 1e-7),), (2711.42, 7086.66), (6.1, float("inf"))
        ),
        events.UpdateInspected(0, (events.ParamUpdate("ip1", "0", 0.5, 0.001),)),
    )
    assert [line.partition("] ")[2] for line in written] == [
        "    [Forward] Layer ip1, top blob ip1 data: 0.123457",
        "    [Forward] Layer ip1, param blob 0 data: 0.123457",
        "    [Forward] Layer ip1, param blob bias data: 0.123457",
        "    [Backward] Layer ip1, bottom blob data diff: 1e-07",
        "    [Backward] All net params (data, diff): L1 norm = (2711.42, 7086.66); L2 norm = (6.1, inf)",
        "    [Update] Layer ip1, param 0 data: 0.5; diff: 0.001",
    ]
    assert [line[0] for line in written] == list("IIIIEI")


def test_a_restored_snapshot():
    assert messages(events.Restored(200, Path("a.solverstate"))) == [
        "restored iteration 200 from a.solverstate"
    ]


def test_gpus_that_are_left_alone(capsys):
    show_unused_gpus([2])
    assert capsys.readouterr().err == ""
    show_unused_gpus([2, 3, 5])
    assert re.match(r"W.*\] only GPU 2 is used.*; not used: 3, 5\n", capsys.readouterr().err)
