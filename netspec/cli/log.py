"""The trainer's events as the log lines that Caffe writes, so that Caffe's log parsers read ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.solver.events import (
    BackwardInspected,
    Displayed,
    Event,
    Finished,
    ForwardInspected,
    Notice,
    OutputValue,
    Restored,
    Snapshotted,
    Started,
    Tested,
    TestStarted,
    Transformed,
    UpdateInspected,
)
from netspec.text.diagnostic import Diagnostic, render

if TYPE_CHECKING:
    import torch

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


def show_device(device: torch.device, gpus: Sequence[int]) -> None:
    """Writes what a verb runs on, and which of the GPUs it was given it leaves alone."""
    import torch

    name = f", {torch.cuda.get_device_name(device)}" if device.type == "cuda" else ""
    to_stderr(glog(f"Device {device}{name}", "caffe.cpp:5"))
    show_unused_gpus(gpus)


def show_unused_gpus(gpus: Sequence[int]) -> None:
    """Warns where several GPUs are asked for: Caffe would train on all of them, with as many batches."""
    if gpus[1:]:
        others = ", ".join(map(str, gpus[1:]))
        message = f"only GPU {gpus[0]} is used, at the batch size of the net's text; not used: {others}"
        to_stderr(glog(message, "caffe.cpp:6", "W"))


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
        if isinstance(event, BackwardInspected):
            # Caffe writes this one line as an error, so that it is seen where only errors are.
            self._write(glog(_norms(event), "net.cpp:4", "E"))


def _lines(event: Event) -> Iterator[tuple[str, str]]:
    """The lines of one event, each with the place that its prefix names."""
    match event:
        case Started():
            yield "caffe.cpp:1", f"Device {event.device}, random seed {event.random_seed}"
            yield "solver.cpp:1", f"Solving {event.net}"
            yield "solver.cpp:2", f"Learning Rate Policy: {event.lr_policy}"
            if event.engine:
                yield "solver.cpp:3", event.engine
        case Notice():
            for line in event.message.splitlines():
                yield "solver.cpp:3", line
        case Displayed():
            yield from _displayed(event)
        case Transformed():
            outside = f"{event.outside:.1%} of the samples outside the image"
            largest = f"largest |theta| {event.largest:.4g}"
            yield "solver.cpp:12", f"    Transformer {event.layer}: {outside}, {largest}"
        case TestStarted():
            yield "solver.cpp:4", f"Iteration {event.iteration}, Testing net (#{event.net})"
        case Tested():
            if event.loss is not None:
                yield "solver.cpp:5", f"Test loss: {event.loss:g}"
            yield from _outputs("Test", event.outputs)
        case Snapshotted():
            yield "solver.cpp:7", f"Snapshotting to {_kind(event.weights)} file {event.weights}"
            yield "sgd_solver.cpp:2", f"Snapshotting solver state to {_kind(event.state)} file {event.state}"
        case Restored():
            yield "solver.cpp:10", f"restored iteration {event.iteration} from {event.state}"
        case ForwardInspected() | BackwardInspected() | UpdateInspected():
            yield from _inspected(event)
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
    if event.loading is not None:
        made, waited = event.loading.images_per_second, event.loading.waited
        yield "solver.cpp:11", f"    Data: {made:.4g} images/s made, {waited:.1%} of the time spent waiting"


def _outputs(which: str, outputs: Iterable[OutputValue]) -> Iterator[tuple[str, str]]:
    for index, output in enumerate(outputs):
        yield "solver.cpp:6", f"    {which} net output #{index}: {output_line(output)}"


def _inspected(
    event: ForwardInspected | BackwardInspected | UpdateInspected,
) -> Iterator[tuple[str, str]]:
    match event:
        case ForwardInspected():
            for blob in event.data:
                what = f"{blob.side} blob {blob.blob} data"
                yield "net.cpp:1", f"    [Forward] Layer {blob.layer}, {what}: {blob.mean:g}"
        case BackwardInspected():
            for blob in event.gradients:
                what = f"{blob.side} blob {blob.blob} diff"
                yield "net.cpp:2", f"    [Backward] Layer {blob.layer}, {what}: {blob.mean:g}"
        case UpdateInspected():
            for moved in event.params:
                what = f"param {moved.param} data: {moved.data:g}; diff: {moved.change:g}"
                yield "net.cpp:3", f"    [Update] Layer {moved.layer}, {what}"


def _norms(event: BackwardInspected) -> str:
    (data, gradients), (data_2, gradients_2) = event.l1, event.l2
    norms = f"L1 norm = ({data:g}, {gradients:g}); L2 norm = ({data_2:g}, {gradients_2:g})"
    return f"    [Backward] All net params (data, diff): {norms}"


def _kind(file: Path) -> str:
    return {".h5": "HDF5", ".safetensors": "safetensors"}.get(file.suffix, "binary proto")
