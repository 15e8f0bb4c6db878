"""`netspec data convert-imageset`: a database of images that a list names."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from netspec.cli.data.watching import add_workers
from netspec.errors import UsageError

HELP = "put the images of a list into a database, as Caffe's convert_imageset does"

BACKENDS = ("lmdb", "leveldb")


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("root", metavar="ROOTFOLDER/", help="put in front of each name in the list")
    parser.add_argument("list", metavar="LISTFILE", help="a text file with a line `path label` per image")
    parser.add_argument("database", metavar="DB_NAME", help="the database, which must not exist yet")
    parser.add_argument("--gray", action="store_true", help="store one channel instead of three")
    parser.add_argument("--shuffle", action="store_true", help="store the images in a random order")
    parser.add_argument("--seed", type=int, default=0, help="what that order is drawn from (0)")
    add_backend(parser, "lmdb")
    for side in ("width", "height"):
        parser.add_argument(
            f"--resize-{side}", type=_size, default=0, metavar="N", help=f"resize to this {side}"
        )
    parser.add_argument("--check-size", action="store_true", help="refuse images that are not of one size")
    parser.add_argument("--encoded", action="store_true", help="store image files instead of pixels")
    parser.add_argument("--encode-type", default="", metavar="TYPE", help="of this type: png, jpg, ...")
    parser.add_argument("--skip-bad", action="store_true", help="leave out images that cannot be read")
    add_workers(parser)


def add_backend(parser: ArgumentParser, default: str | None) -> None:
    """-backend, as Caffe's tools have it."""
    known = default or "what is found"
    parser.add_argument(
        "--backend", type=str.lower, choices=BACKENDS, default=default, help=f"the database's kind ({known})"
    )


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.database_writer import write_database
    from netspec.data.image_list import read_listing
    from netspec.data.imageset import ImageSet, ImageSettings, can_encode
    from netspec.data.whole_folders import check_new

    if bool(args.resize_width) != bool(args.resize_height):
        raise UsageError.at("-resize_width and -resize_height go together")
    if args.encode_type and not can_encode(args.encode_type):
        help = "png and jpg will do"
        raise UsageError.at(f"-encode_type: OpenCV writes no images of type '{args.encode_type}'", help=help)
    settings = ImageSettings(
        color=not args.gray,
        size=(args.resize_height, args.resize_width),
        encoded=args.encoded or bool(args.encode_type),
        encode_type=args.encode_type,
        check_size=args.check_size,
    )
    path = Path(args.database)
    check_new(path)
    with watching("convert_imageset") as watcher:
        images = ImageSet(
            read_listing(Path(args.list)),
            args.root,
            settings,
            shuffle=args.shuffle,
            seed=args.seed,
            skip_bad=args.skip_bad,
            workers=args.workers,
            heard=lambda error: watcher.log(str(error), "W"),
        )
        if args.shuffle:
            watcher.log(f"Shuffling data, seed {args.seed}")
        watcher.log(f"A total of {len(images)} images.")
        records = (record for record in watcher.count(images, len(images)) if record is not None)
        written = write_database(path, args.backend.upper(), records)
        if images.sizes_differ and not args.check_size:
            watcher.log("The images have different sizes: a net must crop them, or take one at a time.", "W")
    print(f"{path}: {written} records")
    return 0


def _size(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"a number of pixels is expected, not '{text}'")
    return int(text)
