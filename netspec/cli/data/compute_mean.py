"""`netspec data compute-mean`: the mean image of a database."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from netspec.cli.data.convert_imageset import add_backend
from netspec.cli.data.watching import add_workers

HELP = "compute the mean image of a database, as Caffe's compute_image_mean does"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("database", metavar="INPUT_DB", help="a database of Datum records")
    parser.add_argument("output", nargs="?", metavar="OUTPUT_FILE", help="the mean image, a .binaryproto")
    add_backend(parser, None)
    add_workers(parser)


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.binaryproto import write_binaryproto
    from netspec.data.items import DatabaseItems
    from netspec.data.mean_image import channel_means, mean_image
    from netspec.data.ordered import in_order
    from netspec.data.whole_folders import check_folder

    if args.output:
        check_folder(Path(args.output))
    items = DatabaseItems(Path(args.database), args.backend and args.backend.upper())
    with watching("compute_image_mean") as watcher:
        watcher.log("Starting iteration")
        futures = in_order(items, range(len(items)), args.workers)
        found = (future.result() for future in futures)
        mean = mean_image(watcher.count(found, len(items), every=10000))
        if args.output:
            watcher.log(f"Write to {args.output}")
            write_binaryproto(Path(args.output), mean)
        watcher.log(f"Number of channels: {len(mean)}")
        for channel, value in enumerate(channel_means(mean)):
            watcher.log(f"mean_value channel [{channel}]:{value:g}")
    print(" ".join(f"mean_value: {value:g}" for value in channel_means(mean)))
    return 0
