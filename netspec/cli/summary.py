"""`netspec summary`: a net's layers with their shapes, parameters, arithmetic and memory."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from netspec.cli import flags
from netspec.errors import NetspecError
from netspec.text.amount import amount
from netspec.text.table import table

if TYPE_CHECKING:
    from netspec.graph.graph import Graph, Node
    from netspec.schema.document import Document
    from netspec.schema.messages import NetParameter

HELP = "tabulate a net: shapes, parameters, multiply-adds, memory"

BYTES_PER_NUMBER = 4


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("net", help="the net's prototxt")
    flags.add_allow_python_layers(parser)
    flags.add_state(parser, phase="TEST")
    flags.add_recompute(parser)


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
    if said := _training(document, args):
        print(f"\n{said}")
    return 0


def _training(document: Document[NetParameter], args: Namespace) -> str:
    """What training takes; nothing for a net that has no loss in TRAIN, or whose data are not here."""
    import torch

    from netspec.compiler.compute import Compute
    from netspec.compiler.engines.choice import find_obstacle
    from netspec.graph.build import build_graph, net_state
    from netspec.schema.messages import SolverParameter
    from netspec.solver.footprint import predict

    state = net_state(document, **{**flags.state(args), "phase": "TRAIN"})
    try:
        graph = build_graph(document, state, allow_python_layers=args.allow_python_layers)
    except NetspecError:
        return ""
    if not graph.loss_weights or not any(param.lr_mult for param in graph.params):
        return ""
    if obstacle := find_obstacle(graph):
        return f"training: its memory is not known, since {obstacle}"
    solver = SolverParameter(type="SGD", base_lr=0.01, momentum=0.9, weight_decay=0.0005)
    found = predict(graph, torch.device("cpu"), Compute(recompute=args.recompute), solver)
    parts = {"params": found.params, "gradients": found.gradients, "momentum": found.history}
    listed = ", ".join(f"{name} {amount(size, 'B')}" for name, size in parts.items())
    rest = amount(found.rest, "B")
    return f"training: {amount(found.peak, 'B')} at the peak ({listed}, activations and what else {rest})"


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
