"""The trainer's events as the log lines that Caffe writes, so that Caffe's log parsers read ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from netspec.solver.events import (
    Displayed,
    Event,
    Finished,
    Notice,
    OutputValue,
    Snapshotted,
    Started,
    Tested,
    TestStarted,
)
from netspec.text.diagnostic import Diagnostic, render

Write = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Writes a line to stderr at once."""
    print(line, file=sys.stderr, flush=True)


def glog(message: str, place: str, severity: str = "I") -> str:
    """A line with glog's prefix. ``place`` is a file and line; tools look at neither."""
    now = datetime.now()
    return f"{severity}{now:%m%d %H:%M:%S.%f} {os.getpid():5d} {place}] {message}"


def show_warnings(warnings: Iterable[Diagnostic], write: Write = to_stderr) -> None:
    """Writes what loading had to remark, each remark once, though several nets may come from one text."""
    for report in dict.fromkeys(render([warning]) for warning in warnings):
        write(report)


def output_line(output: OutputValue) -> str:
    """`loss = 0.5 (* 1 = 0.5 loss)`: numbers have six digits, as a C++ stream writes them."""
    line = f"{output.blob} = {output.value:g}"
    if output.loss_weight:
        line += f" (* {output.loss_weight:g} = {output.loss_weight * output.value:g} loss)"
    return line


class CaffeLog:
    """Listens to a trainer and writes what Caffe's solver logs."""

    def __init__(self, write: Write = to_stderr) -> None:
        self._write = write

    def __call__(self, event: Event) -> None:
        severity = "W" if isinstance(event, Notice) and event.severity == "warning" else "I"
        for place, message in _lines(event):
            self._write(glog(message, place, severity))


def _lines(event: Event) -> Iterator[tuple[str, str]]:
    """The lines of one event, each with the place that its prefix names."""
    match event:
        case Started():
            yield "caffe.cpp:1", f"Device {event.device}, random seed {event.random_seed}"
            yield "solver.cpp:1", f"Solving {event.net}"
            yield "solver.cpp:2", f"Learning Rate Policy: {event.lr_policy}"
        case Notice():
            for line in event.message.splitlines():
                yield "solver.cpp:3", line
        case Displayed():
            yield from _displayed(event)
        case TestStarted():
            yield "solver.cpp:4", f"Iteration {event.iteration}, Testing net (#{event.net})"
        case Tested():
            if event.loss is not None:
                yield "solver.cpp:5", f"Test loss: {event.loss:g}"
            yield from _outputs("Test", event.outputs)
        case Snapshotted():
            yield "solver.cpp:7", f"Snapshotting to {_kind(event.weights)} file {event.weights}"
            yield "sgd_solver.cpp:2", f"Snapshotting solver state to {_kind(event.state)} file {event.state}"
        case Finished():
            if event.early:
                yield "solver.cpp:8", "Optimization stopped early."
            yield "caffe.cpp:2", "Optimization Done."


def _displayed(event: Displayed) -> Iterator[tuple[str, str]]:
    if event.rate is None:
        yield "solver.cpp:9", f"Iteration {event.iteration}, loss = {event.loss:g}"
        return
    speed = event.iterations / (event.seconds or 1)
    lapse = f"({speed:g} iter/s, {event.seconds:g}s/{event.display} iters)"
    yield "solver.cpp:9", f"Iteration {event.iteration} {lapse}, loss = {event.loss:g}"
    yield from _outputs("Train", event.outputs)
    yield "sgd_solver.cpp:1", f"Iteration {event.iteration}, lr = {event.rate:g}"


def _outputs(which: str, outputs: Iterable[OutputValue]) -> Iterator[tuple[str, str]]:
    for index, output in enumerate(outputs):
        yield "solver.cpp:6", f"    {which} net output #{index}: {output_line(output)}"


def _kind(file: Path) -> str:
    return "HDF5" if file.suffix == ".h5" else "binary proto"
