"""`netspec data mnist-sequence`: three digits in a row, in clutter, for recurrent nets."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from netspec.cli.data.building import add_drawing, add_format, add_mnist_source, build, find_mnist

HELP = "make sequences of three digits in clutter, as Sonderby et al. have them: HDF5, or images"

FORMATS = ("hdf5", "images")


def add_flags(parser: ArgumentParser) -> None:
    add_mnist_source(parser)
    add_format(parser, FORMATS)
    add_drawing(parser)


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.digit_sequences import sequence_parts

    with watching("mnist_sequence") as watcher:
        source = find_mnist(args, watcher)
        lines = build(args, sequence_parts(source, args.count, args.test_count, args.seed), watcher)
    print("\n".join(lines))
    return 0
