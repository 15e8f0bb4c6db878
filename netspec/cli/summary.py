"""`netspec summary`: a net's layers with their shapes, parameters, arithmetic and memory."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from netspec.cli import flags
from netspec.cli.table import table
from netspec.text.amount import amount

if TYPE_CHECKING:
    from netspec.graph.graph import Graph, Node

HELP = "tabulate a net: shapes, parameters, multiply-adds, memory"

BYTES_PER_NUMBER = 4


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("net", help="the net's prototxt")
    flags.add_allow_python_layers(parser)
    flags.add_state(parser, phase="TEST")


@dataclass(frozen=True)
class _Line:
    """What one layer costs. ``params`` counts a shared blob with its owner only."""

    name: str
    type: str
    tops: str
    params: int
    macs: int
    memory: int


def run(args: Namespace) -> int:
    from netspec.cli.log import show_warnings
    from netspec.graph.build import build_graph, load_net, net_state

    document = load_net(args.net)
    state = net_state(document, **flags.state(args))
    graph = build_graph(document, state, allow_python_layers=args.allow_python_layers)
    show_warnings(graph.warnings)
    print(_report(graph))
    return 0


def _report(graph: Graph) -> str:
    lines = [_line(graph, node) for node in graph.nodes]
    lines.append(_Line("total", "", "", *(sum(column) for column in zip(*map(_costs, lines), strict=True))))
    header = ["layer", "type", "tops", "params", "MACs", "memory"]
    rows = [
        [line.name, line.type, line.tops, f"{line.params:,}", amount(line.macs), amount(line.memory, "B")]
        for line in lines
    ]
    return table(header, rows, "<<<>>>")


def _costs(line: _Line) -> tuple[int, int, int]:
    return line.params, line.macs, line.memory


def _line(graph: Graph, node: Node) -> _Line:
    from netspec.layers.base import show_shape

    owned = [param for param in graph.params if param.node is node and param.owner is None]
    params = sum(node.layer.blobs[param.index].numel() for param in owned)
    numbers = params + sum(prod(top.shape) for top in node.tops)
    tops = ", ".join(f"{top.name} {show_shape(top.shape)}" for top in node.tops)
    return _Line(node.key, node.layer.spec.type, tops, params, _macs(node), numbers * BYTES_PER_NUMBER)


def _macs(node: Node) -> int:
    """The multiply-adds of a forward pass, counted in a dry run on the meta device."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        node.layer.top_shapes(*(bottom.shape for bottom in node.bottoms))
    return int(counter.get_total_flops()) // 2
