"""`netspec visualize report`: a page about a training, from its log."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from netspec.cli.visualize import pictures

HELP = "tell of a training on one page, from its log"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "log", metavar="LOG", help="a folder of `train -report`, lines of JSON, or a log as Caffe writes it"
    )
    parser.add_argument("--o", metavar="FILE", default="report.html", help="the page")


def run(args: Namespace) -> int:
    from time import time

    from netspec.viz.report import read_report
    from netspec.viz.report_page import draw_report
    from netspec.weights.files import write_atomically

    file, log = Path(args.o), Path(args.log)
    pictures.require_suffix(file, (".html", ".htm"))
    report = read_report(log)
    write_atomically(file, [draw_report(report, written=time(), name=log.stem).encode()])
    print(f"{file}: up to iteration {report.iteration}")
    return 0
