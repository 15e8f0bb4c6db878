"""`netspec data inspect`: what a database, a file of numbers or a list of images holds."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli.data.watching import add_workers
from netspec.errors import UsageError
from netspec.text.diagnostic import render
from netspec.text.table import table

if TYPE_CHECKING:
    from netspec.data.items import Items
    from netspec.data.survey import Survey

HELP = "count what a database, HDF5 or IDX file or image list holds, and show some of it"

SAMPLES = 60  # images on a contact sheet
ROWS = 20  # of shapes and labels
BAR = 30  # characters of the longest bar
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="LMDB, LevelDB, HDF5 or IDX file, or a list")
    parser.add_argument(
        "--o", "--output", dest="output", metavar="FILE", help="draw some of the images, as PNG for one"
    )
    parser.add_argument("--root-folder", default="", metavar="F", help="put in front of names in a list")
    add_workers(parser)


def run(args: Namespace) -> int:
    from netspec.cli.data.watching import watching
    from netspec.data.items import open_items
    from netspec.data.ordered import in_order
    from netspec.data.survey import spread, survey
    from netspec.data.whole_folders import check_folder

    sheet = Path(args.output) if args.output else None
    if sheet is not None:
        if sheet.suffix.lower() not in PICTURES:
            raise UsageError.at(f"-o: expected the name of a picture, {', '.join(PICTURES)}, not '{sheet}'")
        check_folder(sheet)
    items = open_items(Path(args.source), root_folder=args.root_folder)
    with watching("inspect") as watcher:
        futures = in_order(items, range(len(items)), args.workers)
        found = survey(
            watcher.count(futures, len(items), every=100000, what="records"), spread(len(items), SAMPLES)
        )
    print("\n\n".join(_report(args.source, items, found)))
    if found.wrong:
        print(render(found.wrong), file=sys.stderr)
    if sheet is not None:
        print(_draw(args.source, found, sheet))
    return int(found.broken > 0)


def _report(source: str, items: Items, found: Survey) -> Iterator[str]:
    yield "\n".join(f"{name:<10}{text}".rstrip() for name, text in _facts(source, items, found))
    if len(found.shapes) > 1:
        rows = [[_named(shape), f"{count:,}"] for shape, count in found.shapes.most_common(ROWS)]
        yield table(["shape", "records"], rows, "<>") + _more(len(found.shapes))
    labels = sorted((label, count) for label, count in found.labels.items() if label is not None)
    if labels:
        most = max(count for _, count in labels)
        rows = [[f"{label:g}", f"{n:,}", "#" * round(BAR * n / most)] for label, n in labels[:ROWS]]
        yield table(["label", "records", ""], rows, ">><") + _more(len(labels))


def _facts(source: str, items: Items, found: Survey) -> Iterator[tuple[str, str]]:
    yield "source", source
    yield "kind", items.kind
    yield "records", f"{found.count:,}" + (f", {found.broken:,} of them broken" if found.broken else "")
    if not found.names:
        return
    shapes = "" if len(found.shapes) > 1 else f" of {_named(next(iter(found.shapes)))}"
    yield "stored", ", ".join(f"{count:,} {kind}" for kind, count in found.stored.most_common()) + shapes
    odd = f"; {found.not_finite:,} records hold NaN or infinity" if found.not_finite else ""
    yield "values", f"{found.low:g} to {found.high:g}, mean {found.mean:g}{odd}"
    classes = [label for label in found.labels if label is not None]
    without = f"; {found.labels[None]:,} records have none" if found.labels[None] else ""
    classed = f"{min(classes):g} to {max(classes):g}, {len(classes):,} different" if classes else "none"
    yield "labels", classed + (without if classes else "")
    yield "keys", " ... ".join(dict.fromkeys(found.names))


def _named(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"


def _more(count: int) -> str:
    return f"\n... and {count - ROWS:,} more" if count > ROWS else ""


def _draw(source: str, found: Survey, sheet: Path) -> str:
    """Draws the samples that are images; what there is to say about it."""
    from netspec.viz.contact_sheet import draw_contact_sheet
    from netspec.viz.stn import save

    images = [item for item in found.samples if item.values.ndim == 3]
    if not images:
        return f"{sheet}: not written, there are no images to draw"
    captions = [item.name if item.label is None else f"{item.label:g}" for item in images]
    title = f"{source}: {len(images)} of {found.count:,} records"
    save(draw_contact_sheet(title, [item.values for item in images], captions), sheet)
    return f"contact sheet: {sheet}"
