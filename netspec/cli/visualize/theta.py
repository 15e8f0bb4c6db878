"""`netspec visualize theta`: how the thetas of spatial transformers moved in a training."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from netspec.cli import flags
from netspec.cli.visualize import pictures

HELP = "draw how theta moved in a training, from its lines of JSON"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("log", metavar="LOG", help="what `netspec train -log_jsonl` wrote")
    parser.add_argument("--o", metavar="FILE", default="theta.png", help="the picture: PNG, SVG or PDF")
    parser.add_argument("--layer", metavar="A,B", default="", help="these transformers alone")


def run(args: Namespace) -> int:
    from netspec.viz.curves import FORMATS, save_figure
    from netspec.viz.theta import draw_thetas
    from netspec.viz.training_log import read_thetas

    file = Path(args.o)
    pictures.require_suffix(file, FORMATS)
    found = {thetas.layer: thetas for thetas in read_thetas(Path(args.log))}
    wanted = flags.split(args.layer) or list(found)
    for name in wanted:
        if name not in found:
            raise pictures.no_layer(f"'{args.log}'", name, list(found), "spatial transformers")
    try:
        save_figure(draw_thetas([found[name] for name in wanted]), file)
    except OSError as error:
        raise pictures.not_written(file, error) from error
    last = max(found[name].iterations[-1] for name in wanted)
    print(f"{file}: {', '.join(wanted)}, up to iteration {last}")
    return 0
