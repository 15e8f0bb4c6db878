"""`netspec data mnist`: MNIST as databases, or as images with lists."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from netspec.cli.data.building import add_format, add_mnist_source, build, find_mnist
from netspec.cli.data.watching import add_workers

HELP = "make MNIST's databases, as Caffe's example has them, or its images"

FORMATS = ("lmdb", "leveldb", "images")


def add_flags(parser: ArgumentParser) -> None:
    add_mnist_source(parser)
    add_format(parser, FORMATS)
    add_workers(parser)


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.mnist import mnist_parts

    with watching("mnist") as watcher:
        lines = build(args, mnist_parts(find_mnist(args, watcher)), watcher)
    print("\n".join(lines))
    return 0
