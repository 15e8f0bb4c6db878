"""`netspec data documents`: scans of pages, with the kind of page and the theta that finds it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from netspec.cli import flags
from netspec.cli.data.building import add_drawing, add_format, build

HELP = "draw scans of pages, with the kind of page and the theta that finds it: HDF5, or images"

FORMATS = ("hdf5", "images")
TRANSFORMS = ("affine", "projective")


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="where they go (here)")
    for side in ("height", "width"):
        parser.add_argument(
            f"--{side}", type=flags.count, default=128, metavar="N", help=f"the {side} of a scan (128)"
        )
    parser.add_argument(
        "--transform",
        type=str.lower,
        choices=TRANSFORMS,
        default="affine",
        help="how pages lie: affine, 6 values of theta, or projective, 8 (affine)",
    )
    parser.add_argument(
        "--turn",
        type=flags.count_from_zero,
        default=20,
        metavar="DEGREES",
        help="the largest angle that pages are turned by, to either side (20)",
    )
    add_format(parser, FORMATS)
    add_drawing(parser, 10000, 1000)


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.documents import Documents, document_parts

    documents = Documents(args.height, args.width, args.transform, args.turn)
    with watching("documents") as watcher:
        parts = document_parts(documents, (args.count, args.test_count), args.seed)
        lines = build(args, parts, watcher)
    print("\n".join(lines))
    return 0
