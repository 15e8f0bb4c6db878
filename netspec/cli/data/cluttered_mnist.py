"""`netspec data cluttered-mnist`: a digit somewhere on a large canvas, among pieces of others."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from netspec.cli import flags
from netspec.cli.data.building import add_drawing, add_format, add_mnist_source, build, find_mnist

HELP = "make cluttered digits as DeepMind's generator does: images with a list, or databases"

FORMATS = ("images", "lmdb", "leveldb")


def add_flags(parser: ArgumentParser) -> None:
    add_mnist_source(parser)
    for flag, default, what in (
        ("canvas", 100, "the side of an image in pixels"),
        ("pieces", 8, "pieces of other digits on it"),
        ("piece-size", 8, "the side of a piece in pixels"),
    ):
        type = flags.count if flag != "pieces" else flags.count_from_zero
        parser.add_argument(f"--{flag}", type=type, default=default, metavar="N", help=f"{what} ({default})")
    add_format(parser, FORMATS)
    add_drawing(parser)


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.distorted_digits import Clutter, cluttered_part, read_half

    with watching("cluttered_mnist") as watcher:
        source = find_mnist(args, watcher)
        clutter = Clutter(args.canvas, args.pieces, args.piece_size)
        parts = [
            cluttered_part(read_half(source, train=train), clutter, count, args.seed)
            for train, count in ((True, args.count), (False, args.test_count))
        ]
        lines = build(args, parts, watcher)
    print("\n".join(lines))
    return 0
