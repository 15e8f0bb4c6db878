"""What the verbs that run one net share: the flags that say which, and the compiling."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from netspec.cli import flags

if TYPE_CHECKING:
    from netspec.compiler.net import Net


def add_flags(parser: ArgumentParser, phase: str, counted: str) -> None:
    """-model, -iterations and what else tells how to compile it; ``counted`` is what is iterated."""
    parser.add_argument("--model", required=True, metavar="FILE", help="the net's prototxt")
    parser.add_argument(
        "--iterations", type=flags.count, default=50, metavar="N", help=f"how many {counted} (50)"
    )
    flags.add_gpu(parser)
    flags.add_allow_python_layers(parser)
    flags.add_state(parser, phase)


def compiled(args: Namespace) -> Net:
    """The net that the flags name, its warnings shown.

    Raises:
        NetspecError: the text, the net or its data is wrong.
        UsageError: this machine has no such GPU.
    """
    from netspec.cli.log import show_warnings
    from netspec.compiler.net import compile_net

    net = compile_net(
        args.model,
        **flags.state(args),
        device=flags.device(args) or "cpu",
        allow_python_layers=args.allow_python_layers,
    )
    show_warnings(net.graph.warnings)
    return net
