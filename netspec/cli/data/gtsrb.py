"""`netspec data gtsrb`: the German traffic signs, cut to one size, with a validation part by tracks."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from netspec.cli import flags
from netspec.cli.data.building import add_format, build
from netspec.cli.data.watching import add_workers
from netspec.errors import UsageError

HELP = "make databases of the German traffic signs (GTSRB), or their images"

FORMATS = ("lmdb", "leveldb", "images")


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="where they go (here)")
    parser.add_argument(
        "--source",
        metavar="DIR",
        help="the official archives, Kaggle's files, or mosaics; FOLDER, and the network",
    )
    parser.add_argument("--any-digest", action="store_true", help="take archives as they are")
    parser.add_argument("--size", type=flags.count, default=48, metavar="N", help="height and width (48)")
    parser.add_argument("--roi", action="store_true", help="cut the sign out of its frame")
    parser.add_argument(
        "--normalize",
        type=str.lower,
        choices=("none", "global", "local"),
        default="none",
        help="store floats: each channel less its mean by its deviation (global), then its contrast (local)",
    )
    parser.add_argument(
        "--validation",
        type=flags.count_from_zero,
        default=1,
        metavar="N",
        help="tracks of each class for validation (1)",
    )
    parser.add_argument("--seed", type=int, default=0, help="what those and the order are drawn from (0)")
    add_format(parser, FORMATS)
    add_workers(parser)


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.gtsrb import Cut, fetch_gtsrb, gtsrb_parts, read_signs, verify_gtsrb

    if args.format == "images" and args.normalize != "none":
        help = "-format lmdb does; in a net, ContrastiveNormalization normalises"
        raise UsageError.at("-format images holds no floats, which -normalize makes", help=help)
    source = Path(args.source or args.folder)
    with watching("gtsrb") as watcher:
        if args.source is None:
            watcher.log(f"The archives are looked for in {source}, and on the network")
            fetch_gtsrb(source)
        if not args.any_digest:
            verify_gtsrb(source)
        train, test = read_signs(source)
        watcher.log(f"Found {len(train)} training images and {len(test)} test images.")
        if not test:
            watcher.log(f"There is no test part: {source} has no test images with their classes.", "W")
        cut = Cut(args.size, args.roi, args.normalize)
        parts = gtsrb_parts(train, test, cut, validation=args.validation, seed=args.seed)
        lines = build(args, parts, watcher)
    print("\n".join(lines))
    return 0
