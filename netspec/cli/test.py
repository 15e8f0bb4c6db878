"""`netspec test`: a net's outputs, averaged over batches."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from statistics import fmean
from time import perf_counter
from typing import TYPE_CHECKING

from netspec.cli import flags, model
from netspec.cli.report import duration, score

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.solver.events import OutputValue

HELP = "average a net's outputs over batches"


def add_flags(parser: ArgumentParser) -> None:
    model.add_flags(parser, phase="TEST", counted="batches")
    parser.add_argument("--weights", required=True, metavar="A,B", help="the weight files")
    flags.add_ignore_mismatched(parser)


def run(args: Namespace) -> int:
    from netspec.cli.log import output_line

    net = model.compiled(args)
    for weights in flags.split(args.weights):
        _load(net, weights, args.ignore_mismatched)
    _log(f"Running for {args.iterations} iterations.")
    begin = perf_counter()
    with model.running(args, net):
        loss, outputs = _average(net, args.iterations)
    net.close()
    _log(f"Loss: {loss:g}")
    for output in outputs:
        _log(output_line(output))
    print(f"{score(net, outputs)} over {args.iterations} batches in {duration(perf_counter() - begin)}")
    return 0


def _load(net: Net, weights: str, ignore_mismatched: bool) -> None:
    report = net.load_weights(weights, ignore_mismatched=ignore_mismatched)
    for name in report.unused:
        _log(f"Ignoring source layer {name}")
    model.warn_of_unloaded(report, weights)
    for line in report.table().splitlines():
        _log(line)


def _average(net: Net, batches: int) -> tuple[float, list[OutputValue]]:
    """The mean loss and the mean of each number of the outputs; each batch is logged on the way."""
    import torch

    from netspec.solver.events import OutputValue

    losses: list[float] = []
    rows: list[list[float]] = []
    names: list[str] = []
    with torch.no_grad():
        for batch in range(batches):
            with model.inspected(net, batch):
                out = net()
            names = [name for name in net.outputs for _ in range(out[name].numel())]
            rows.append([value for name in net.outputs for value in out[name].flatten().tolist()])
            losses.append(float(net.loss(out)))
            for name, value in zip(names, rows[-1], strict=True):
                _log(f"Batch {batch}, {name} = {value:g}")
    means = (fmean(column) for column in zip(*rows, strict=True))
    outputs = [
        OutputValue(name, mean, net.loss_weights.get(name, 0.0))
        for name, mean in zip(names, means, strict=True)
    ]
    return fmean(losses), outputs


def _log(message: str) -> None:
    from netspec.cli.log import glog, to_stderr

    to_stderr(glog(message, "caffe.cpp:3"))
