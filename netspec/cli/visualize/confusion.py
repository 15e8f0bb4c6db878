"""`netspec visualize confusion`: what a classifier takes for what."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli import flags, model
from netspec.cli.visualize import pictures
from netspec.errors import NetError, NetspecError, UsageError
from netspec.text.suggest import one_of

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.graph.graph import Node
    from netspec.viz.confusion import Counts

HELP = "draw which classes a net takes for which, and tabulate how each fares"


def add_flags(parser: ArgumentParser) -> None:
    pictures.add_flags(parser, counted="batches")
    parser.add_argument("--o", metavar="FILE", default="confusion.png", help="the matrix: PNG, SVG or PDF")
    parser.add_argument(
        "--table", metavar="A,B", default="", help="write the classes' scores, as .md or .csv or both"
    )
    parser.add_argument("--layer", metavar="NAME", help="the layer that holds scores against labels")


def run(args: Namespace) -> int:
    from netspec.viz.confusion import TABLES, accuracy, draw_confusion
    from netspec.viz.curves import FORMATS, save_figure

    file, tables = Path(args.o), [Path(name) for name in flags.split(args.table)]
    pictures.require_suffix(file, FORMATS)
    for table in tables:
        if table.suffix.lower() not in TABLES:
            raise UsageError.at(f"-table {table}: expected a name that ends in {one_of(TABLES)}")
    if not args.weights:
        raise UsageError.at("-weights is missing")
    net = pictures.compiled(args)
    try:
        pictures.require_data(net, "the labels must come with the items: give a net with data layers")
        judge = _judge(net, args.layer)
        pictures.load_all(net, args)
        counts = _count(net, judge, args.iterations)
    finally:
        net.close()
    title = f"accuracy {accuracy(counts):.2%} over {counts.sum():,} items"
    try:
        save_figure(draw_confusion(counts, title), file)
        for table in tables:
            table.write_text(TABLES[table.suffix.lower()](counts), encoding="utf-8")
    except OSError as error:
        raise NetspecError.at(f"cannot be written: {error.strerror}", file=error.filename) from error
    print(f"{', '.join(map(str, [file, *tables]))}: {title}{_worst(counts)}")
    return 0


def _judge(net: Net, wanted: str | None) -> Node:
    """The layer that knows scores and labels.

    Raises:
        NetError: the net has none.
        UsageError: it has none of the wanted name.
    """
    from netspec.viz.confusion import JUDGES, judges

    known = [node for node in net.graph.nodes if node.layer.spec.type in JUDGES]
    if not known:
        help = f"what is right is found at a layer of type {one_of(JUDGES)}"
        raise NetError.at(f"net '{net.graph.name}' has no classes to confuse", help=help)
    if wanted is None:
        return judges(net)[0]
    for node in known:
        if node.layer.name == wanted:
            return node
    names = [node.layer.name for node in known]
    raise pictures.no_layer(f"net '{net.graph.name}'", wanted, names, "layers with scores and labels")


def _count(net: Net, judge: Node, batches: int) -> Counts:
    import torch

    from netspec.viz.confusion import counting

    with counting(net, judge) as counts, torch.no_grad():
        for batch in range(batches):
            with model.inspected(net, batch):
                net()
    return counts


def _worst(counts: Counts) -> str:
    """The pair of classes that is confused most often."""
    mistakes = counts.copy()
    mistakes[range(len(counts)), range(len(counts))] = 0
    row, column = divmod(int(mistakes.argmax()), len(counts))
    times = mistakes[row, column]
    return f"; most often {row} was taken for {column}, {times} times" if times else ""
