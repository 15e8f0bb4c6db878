"""`netspec visualize stn`: where a net's spatial transformers look, over items, snapshots or a sequence."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli import flags
from netspec.cli.visualize import pictures
from netspec.errors import NetError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from netspec.compiler.net import Net
    from netspec.viz.pixels import Picture
    from netspec.viz.stn import Observation

HELP = "draw where spatial transformers look, and what they hand on"

COUNT, STRIP_COUNT = 9, 5
SLOW, FAST = 0.8, 0.12  # seconds that a frame is shown
_ITERATION = re.compile(r"_iter_(\d+)")


def add_flags(parser: ArgumentParser) -> None:
    pictures.add_flags(parser, counted="pages of a GIF at most")
    parser.add_argument("--o", metavar="FILE", default="stn.png", help="the picture: PNG, or GIF that moves")
    parser.add_argument("--layer", metavar="A,B", default="", help="these transformers alone")
    parser.add_argument("--count", type=flags.count, metavar="N", help=f"how many items are shown ({COUNT})")
    parser.add_argument(
        "--during",
        nargs="+",
        default=[],
        metavar="SNAPSHOT",
        help="the same items at each of these snapshots",
    )
    parser.add_argument(
        "--sequence", metavar="LIST", help="feed the images of this list (lines `path label`)"
    )
    parser.add_argument("--root-folder", default="", metavar="F", help="put in front of the list's names")
    parser.add_argument(
        "--transform-param",
        metavar="TEXT",
        help="what becomes of the list's images, as in a data layer: 'scale: 0.00390625'",
    )


def run(args: Namespace) -> int:
    file = Path(args.o)
    pictures.require_suffix(file, (*pictures.PICTURES, ".gif"))
    if args.during and args.sequence:
        raise UsageError.at("-during and -sequence exclude each other")
    if not args.weights and not args.during:
        raise UsageError.at("-weights is missing", help="or name snapshots with -during")
    net = pictures.compiled(args)
    try:
        layers = _layers(net, flags.split(args.layer))
        pictures.load_all(net, args)
        draw = _during if args.during else _sequence if args.sequence else _items
        frames, what = draw(net, args, layers, film=file.suffix.lower() == ".gif")
    finally:
        net.close()
    _save(frames, file, FAST if args.sequence else SLOW)
    print(f"{file}: {', '.join(layers)}, {what}")
    return 0


def _layers(net: Net, wanted: Sequence[str]) -> list[str]:
    """The transformers to draw.

    Raises:
        NetError: the net has none.
        UsageError: it has none of a wanted name.
    """
    from netspec.viz.stn import transformers

    known = [node.layer.name for node in transformers(net)]
    if not known:
        help = "a layer of type SpatialTransformer is what this picture shows"
        raise NetError.at(f"net '{net.graph.name}' has no spatial transformer", help=help)
    for name in wanted:
        if name not in known:
            raise pictures.no_layer(f"net '{net.graph.name}'", name, known, "spatial transformers")
    return [name for name in known if not wanted or name in wanted]


def _items(net: Net, args: Namespace, layers: list[str], *, film: bool) -> tuple[list[Picture], str]:
    """One page of items, or a film of pages."""
    from netspec.viz.stn import draw_observation, observe, pages

    pictures.require_data(net, "give images with -sequence, or a net with data layers")
    count = args.count or COUNT
    batches = (observe(net, {}).of(layers) for _ in iter(int, 1))
    shown = list(islice(pages(batches, count), args.iterations if film else 1))
    frames = [
        draw_observation(page, title=f"page {number}" if film else "") for number, page in enumerate(shown, 1)
    ]
    return frames, f"{sum(map(len, shown))} items" + (f" on {len(frames)} pages" if film else "")


def _during(net: Net, args: Namespace, layers: list[str], *, film: bool) -> tuple[list[Picture], str]:
    """The same items at each snapshot: a frame for each, or a row."""
    from netspec.viz.stn import draw_observation, draw_strip, observe

    pictures.require_data(net, "-during needs data layers")
    count = slice(args.count or (COUNT if film else STRIP_COUNT))
    steps: list[tuple[str, Observation]] = []
    feeds: dict[str, Tensor] = {}
    for iteration, weights in _snapshots(args.during):
        pictures.load_weights(net, weights, args.ignore_mismatched)
        seen = observe(net, feeds)
        feeds = dict(seen.feeds)
        steps.append((iteration, seen.of(layers).part(count)))
    what = f"{len(steps)} snapshots, {len(steps[0][1])} items"
    if film:
        return [draw_observation(seen, title=f"iteration {step}") for step, seen in steps], what
    return [draw_strip(steps, column="iteration")], what


def _snapshots(files: Sequence[str]) -> list[tuple[str, str]]:
    """The iterations and weight files of snapshots, in order; a solver's state stands for its weights.

    Raises:
        WeightsError: a solver's state cannot be read.
    """
    from netspec.weights import read_solverstate

    found = []
    for name in files:
        path = Path(name)
        if ".solverstate" in path.name:
            state = read_solverstate(path)
            beside = path.with_name(Path(state.learned_net).name)
            name = str(beside if beside.exists() else state.learned_net)
        number = _ITERATION.search(path.name)
        found.append((int(number[1]) if number else -1, number[1] if number else path.stem, name))
    return [(label, name) for _, label, name in sorted(found, key=lambda one: one[0])]


def _sequence(net: Net, args: Namespace, layers: list[str], *, film: bool) -> tuple[list[Picture], str]:
    """The images of a list, one to a frame, or in a grid."""
    from netspec.viz.sequence import read_sequence
    from netspec.viz.stn import draw_observation, joined, observe

    sequence = read_sequence(net, Path(args.sequence), args.transform_param or "", root=args.root_folder)
    batches = sequence.batches(args.count)
    seen = joined([observe(net, feeds).part(slice(size)) for feeds, size in batches]).of(layers)
    what = f"{len(seen)} images"
    if not film:
        return [draw_observation(seen, captions=[str(number) for number in range(1, len(seen) + 1)])], what
    frames = [
        draw_observation(seen.part(slice(index, index + 1)), title=f"{index + 1} of {len(seen)}")
        for index in range(len(seen))
    ]
    return frames, what


def _save(frames: Sequence[Picture], file: Path, seconds: float) -> None:
    from netspec.viz.pixels import save, save_film

    try:
        if file.suffix.lower() == ".gif":
            save_film(frames, file, seconds=seconds)
        else:
            save(frames[0], file)
    except OSError as error:
        raise pictures.not_written(file, error) from error
