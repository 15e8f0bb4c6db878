"""What the rewrites share: to find layers behind fx nodes, and to put a module in the place of some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import fx, nn

from netspec.layers.base import Layer, Shape


class Joined(nn.Module):
    """Several layers in one. Its top lies in memory of its own, and its gradients do not need the top."""


def layer_of(module: fx.GraphModule, node: object) -> Layer | None:
    """The layer that a node runs; None for a node that runs none."""
    if not isinstance(node, fx.Node) or node.op != "call_module":
        return None
    found = module.get_submodule(str(node.target))
    return found if isinstance(found, Layer) else None


def layer_nodes(module: fx.GraphModule) -> Iterator[tuple[fx.Node, Layer]]:
    """The nodes that run layers, with them. Those that have been replaced on the way do not come any more."""
    for node in module.graph.nodes:
        layer = layer_of(module, node)
        if layer is not None:
            yield node, layer


def shape_of(node: fx.Node) -> Shape:
    """The shape of what a node gives, with the batch of the text."""
    shape: Shape = node.meta["shape"]
    return shape


def only_reader(node: fx.Node) -> fx.Node | None:
    """The one node that reads another; None if there are more, or none."""
    return next(iter(node.users)) if len(node.users) == 1 else None


def replace(module: fx.GraphModule, chain: Sequence[fx.Node], made: nn.Module) -> None:
    """Puts ``made`` in the place of nodes of which each is the only reader of the one before."""
    first, last = chain[0], chain[-1]
    target = "_".join(str(node.target) for node in chain)
    while hasattr(module, target):
        target += "_"
    module.add_submodule(target, made)
    with module.graph.inserting_before(last):
        node = module.graph.call_module(target, first.args)
    node.meta = dict(last.meta)
    last.replace_all_uses_with(node)
    for old in reversed(chain):
        module.graph.erase_node(old)
        module.delete_submodule(str(old.target))
