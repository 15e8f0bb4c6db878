"""`netspec plot`: curves of trainings from their logs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli import flags
from netspec.errors import NetspecError, UsageError
from netspec.text.suggest import nearest, one_of

if TYPE_CHECKING:
    from netspec.viz.training_log import Run

HELP = "draw loss, outputs and learning rate of trainings from their logs"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("logs", nargs="+", metavar="LOG", help="Caffe's log, ours, or lines of JSON")
    parser.add_argument("--o", metavar="FILE", default="curves.png", help="the picture: PNG, SVG or PDF")
    parser.add_argument(
        "--outputs", default="", metavar="A,B", help="draw these alone: names of outputs, loss, lr"
    )


def run(args: Namespace) -> int:
    from netspec.viz.panels import MOST_ELEMENTS, chosen
    from netspec.viz.training_log import read_log

    file, wanted = Path(args.o), flags.split(args.outputs)
    _require_format(file)
    logs = list(dict.fromkeys(args.logs))
    whole = [read_log(Path(log)) for log in logs]
    _require_known(wanted, whole)
    runs = [replace(run, series=tuple(chosen(run.series, wanted))) for run in whole]
    if not _blobs(runs):
        help = f"choose what to draw with -outputs: {', '.join(_blobs(whole))}"
        raise UsageError.at(f"no output has at most {MOST_ELEMENTS} numbers", help=help)
    _draw(runs, _names(logs), file)
    print(f"{file}: {len(runs)} run{'s' * (len(runs) > 1)}, {', '.join(_blobs(runs))}")
    return 0


def _require_format(file: Path) -> None:
    from netspec.viz.curves import FORMATS

    if file.suffix.lower() not in FORMATS:
        raise UsageError.at(f"-o {file}: expected a name that ends in {one_of(FORMATS)}")


def _require_known(wanted: Sequence[str], runs: Sequence[Run]) -> None:
    known = _blobs(runs)
    for name in wanted:
        if name not in known:
            guess = nearest(name, known)
            hint = f"did you mean '{guess}'? " if guess else ""
            help = f"{hint}the logs tell of {', '.join(known)}"
            raise UsageError.at(f"-outputs: no log tells of '{name}'", help=help)


def _blobs(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(series.blob for run in runs for series in run.series))


def _names(logs: Sequence[str]) -> list[str]:
    """How the legend calls the runs: by their files' names, by their paths where these are the same."""
    stems = [Path(log).stem for log in logs]
    return [
        stem if stems.count(stem) == 1 else str(Path(log).with_suffix(""))
        for log, stem in zip(logs, stems, strict=True)
    ]


def _draw(runs: Sequence[Run], names: Sequence[str], file: Path) -> None:
    from netspec.viz.curves import draw_curves, save_figure

    try:
        save_figure(draw_curves(runs, names), file)
    except OSError as error:
        raise NetspecError.at(f"the picture cannot be written: {error.strerror}", file=str(file)) from error
