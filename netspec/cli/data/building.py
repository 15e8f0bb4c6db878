"""What the builders of data sets have in common: their flags, and where MNIST's files come from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli import flags
from netspec.cli.data.watching import Watcher, add_workers

if TYPE_CHECKING:
    from netspec.data.parts import Part


def add_mnist_source(parser: ArgumentParser) -> None:
    """FOLDER, -source and -any_digest."""
    parser.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="where they go (here)")
    parser.add_argument(
        "--source", metavar="DIR", help="the folder of the four files; FOLDER, and the network"
    )
    parser.add_argument(
        "--any-digest", action="store_true", help="take other data in MNIST's format, such as Fashion-MNIST"
    )


def add_format(parser: ArgumentParser, formats: Iterable[str]) -> None:
    """-format, one of ``formats``, the first by default."""
    formats = tuple(formats)
    parser.add_argument(
        "--format",
        type=str.lower,
        choices=formats,
        default=formats[0],
        help=f"what to make: {', '.join(formats)} ({formats[0]})",
    )


def add_drawing(parser: ArgumentParser, count: int = 60000, test_count: int = 10000) -> None:
    """-count, -test_count, -seed and -workers."""
    parser.add_argument(
        "--count", type=flags.count, default=count, metavar="N", help=f"training images ({count})"
    )
    parser.add_argument(
        "--test-count", type=flags.count, default=test_count, metavar="N", help=f"test images ({test_count})"
    )
    parser.add_argument("--seed", type=int, default=0, help="what the images are drawn from (0)")
    add_workers(parser)


def find_mnist(args: Namespace, watcher: Watcher) -> Path:
    """The folder of MNIST's four files, which are downloaded where no -source is given.

    Raises:
        DataError: files are missing, or not those that were published.
    """
    from netspec.data.mnist import fetch_mnist, require_mnist, verify_mnist

    source = Path(args.source or args.folder)
    if args.source is None:
        watcher.log(f"The four files are looked for in {source}, and on the network")
        fetch_mnist(source)
    require_mnist(source)
    if not args.any_digest:
        verify_mnist(source)
    return source


def build(args: Namespace, parts: Iterable[Part], watcher: Watcher) -> list[str]:
    """Builds the parts, one after the other; a line on each."""
    from netspec.data.parts import build_part

    def watch(examples: Iterable[object], count: int) -> Iterable[object]:
        return watcher.count(examples, count, every=10000, what="images")

    folder = Path(args.folder)
    return [build_part(folder, part, args.format, watch, workers=args.workers) for part in parts]
