"""What the verbs that run one net share: the flags that say which, and the compiling."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from netspec.cli import flags

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.weights.loading import LoadReport


def add_flags(parser: ArgumentParser, phase: str, counted: str) -> None:
    """-model, -iterations and what else tells how to compile it; ``counted`` is what is iterated."""
    parser.add_argument("--model", required=True, metavar="FILE", help="the net's prototxt")
    parser.add_argument(
        "--iterations", type=flags.count, default=50, metavar="N", help=f"how many {counted} (50)"
    )
    flags.add_gpu(parser)
    flags.add_allow_python_layers(parser)
    flags.add_compute(parser)
    flags.add_state(parser, phase)


def inspected(net: Net, batch: int) -> AbstractContextManager[None]:
    """Logs what goes through a net inside, if the net's text asks for it with ``debug_info``."""
    from netspec.cli.log import CaffeLog
    from netspec.solver.debug_info import pass_inspected

    return pass_inspected(net, batch, CaffeLog()) if net.graph.debug_info else nullcontext()


def compiled(args: Namespace) -> Net:
    """The net that the flags name, its warnings shown.

    Raises:
        NetspecError: the text, the net or its data is wrong.
        UsageError: this machine has no such GPU.
    """
    from netspec.cli.log import show_device, show_warnings
    from netspec.compiler.net import compile_net

    gpus = flags.gpus(args)
    net = compile_net(
        args.model,
        **flags.state(args),
        device=flags.device(args) or "cpu",
        allow_python_layers=args.allow_python_layers,
        **flags.compute(args),
    )
    show_warnings(net.graph.warnings)
    show_device(net.device, gpus)
    return net


def warn_of_unloaded(report: LoadReport, weights: str) -> None:
    """Logs which layers of a net a weight file left as they were."""
    from netspec.cli.log import glog, to_stderr

    for why, names in (("no layer", report.missing), ("other shapes for layer", report.mismatched)):
        for name in names:
            to_stderr(glog(f"{weights} has {why} {name}: it keeps what its filler gave", "caffe.cpp:3", "W"))


@contextmanager
def running(args: Namespace, net: Net) -> Iterator[None]:
    """While inside, PyTorch computes as the flags ask for; which engine does it is logged at the end."""
    from netspec.cli.log import glog, to_stderr
    from netspec.compiler.determinism import deterministic
    from netspec.compiler.precision import products

    with deterministic(args.deterministic), products(args.precision):
        yield
    if args.engine != net.engine.engine:
        to_stderr(glog(str(net.engine), "caffe.cpp:7", "I" if net.engine.is_expected else "W"))
