"""`netspec data distorted-mnist`: the distorted digits of the paper on spatial transformers."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace

from netspec.cli import flags
from netspec.cli.data.building import add_drawing, add_format, add_mnist_source, build, find_mnist
from netspec.text.suggest import one_of

HELP = "make the distorted digits of Jaderberg et al., appendix A.4: sets R, RTS, P, E and TC"

FORMATS = ("lmdb", "leveldb", "images")
SETS = ("r", "rts", "p", "e", "tc")


def add_flags(parser: ArgumentParser) -> None:
    add_mnist_source(parser)
    parser.add_argument(
        "--set",
        type=_sets,
        default=SETS,
        metavar="A,B",
        help="r (turned), rts (scaled and moved too), p (projected), e (bent), tc (moved, cluttered); all",
    )
    add_format(parser, FORMATS)
    add_drawing(parser)


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.distorted_digits import distorted_part, read_half

    with watching("distorted_mnist") as watcher:
        source = find_mnist(args, watcher)
        halves = [
            (read_half(source, train=True), args.count),
            (read_half(source, train=False), args.test_count),
        ]
        parts = (distorted_part(half, name, n, args.seed) for name in args.set for half, n in halves)
        lines = build(args, parts, watcher)
    print("\n".join(lines))
    return 0


def _sets(text: str) -> list[str]:
    names = list(dict.fromkeys(flags.split(text.lower())))
    if unknown := [name for name in names if name not in SETS]:
        raise ArgumentTypeError(f"expected {one_of(SETS)}, with commas between them, not '{unknown[0]}'")
    if not names:
        raise ArgumentTypeError(f"expected {one_of(SETS)}, with commas between them")
    return names
