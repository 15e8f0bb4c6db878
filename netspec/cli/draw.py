"""`netspec draw`: a picture of a net's layers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli import flags
from netspec.errors import NetspecError, UsageError
from netspec.text.suggest import one_of

if TYPE_CHECKING:
    from netspec.graph.build import PhaseName
    from netspec.schema.document import Document
    from netspec.schema.messages import NetParameter
    from netspec.text.diagnostic import Diagnostic
    from netspec.viz.layout import Direction
    from netspec.viz.net import View

HELP = "draw a net's layers: SVG, PNG, graphviz, or a page to pan, zoom and search in"

FORMATS = (".svg", ".png", ".html", ".dot")


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("net", metavar="NET", help="the net's prototxt")
    parser.add_argument("--o", metavar="FILE", default="net.svg", help=f"the drawing: {', '.join(FORMATS)}")
    parser.add_argument(
        "--phase", type=str.upper, choices=("TRAIN", "TEST"), help="draw it in this phase alone"
    )
    parser.add_argument(
        "--rankdir",
        type=str.upper,
        choices=("TB", "BT", "LR", "RL"),
        default="TB",
        help="where it leads (TB)",
    )
    flags.add_level_and_stage(parser)
    flags.add_allow_python_layers(parser)


def run(args: Namespace) -> int:
    from netspec.cli.log import show_warnings
    from netspec.graph.build import fed_phases, load_net
    from netspec.viz.net import merged

    file = Path(args.o)
    if file.suffix.lower() not in FORMATS:
        raise UsageError.at(f"-o {file}: expected a name that ends in {one_of(FORMATS)}")
    document = load_net(args.net)
    phases: list[PhaseName] = [args.phase] if args.phase else fed_phases(document)
    seen = [_view(document, phase, args) for phase in phases]
    show_warnings(warning for _, warnings in seen for warning in warnings)
    views = merged([view for view, _ in seen])
    try:
        file.write_bytes(_encoded(views, args.rankdir, file.suffix.lower()))
    except OSError as error:
        raise NetspecError.at(f"the drawing cannot be written: {error.strerror}", file=str(file)) from error
    print(f"{file}: {'; '.join(view.heading for view in views)}")
    return 0


def _view(
    document: Document[NetParameter], phase: PhaseName, args: Namespace
) -> tuple[View, list[Diagnostic]]:
    """The net in a phase, without shapes where its data are not at hand, and what there is to remark."""
    from netspec.graph.build import build_graph, net_state
    from netspec.viz.net import is_about_data, view_of, view_without_shapes

    state = net_state(document, phase, flags.split(args.stage), args.level)
    try:
        graph = build_graph(document, state, allow_python_layers=args.allow_python_layers)
    except NetspecError as error:
        if not is_about_data(error, document):
            raise
        remark = "; drawn without shapes, which follow from the data"
        return view_without_shapes(document, state), [
            replace(diagnostic, severity="warning", message=diagnostic.message + remark)
            for diagnostic in error.diagnostics
        ]
    return view_of(graph), list(graph.warnings)


def _encoded(views: list[View], direction: Direction, suffix: str) -> bytes:
    from netspec.viz.net import draw_views
    from netspec.viz.page import draw_page

    if suffix == ".html":
        return draw_page(views, direction).encode()
    return draw_views(views, direction).encode(suffix.removeprefix("."))
