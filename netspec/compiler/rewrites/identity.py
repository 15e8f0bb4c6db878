"""Layers that only hand on what they get: Split, Dropout in TEST, Silence, a Concat of one bottom."""

from __future__ import annotations

from torch import fx

from netspec.compiler.rewrites.nodes import layer_nodes
from netspec.layers.base import Layer
from netspec.layers.silence import Silence


def remove_identities(module: fx.GraphModule) -> list[Layer]:
    """Lets the readers of such a layer's tops read its bottom."""
    removed: list[Layer] = []
    for node, layer in layer_nodes(module):
        if isinstance(layer, Silence):
            module.graph.erase_node(node)
        elif layer.is_identity:
            _bypass(module.graph, node, several=layer.num_tops > 1)
        else:
            continue
        module.delete_submodule(str(node.target))
        removed.append(layer)
    return removed


def _bypass(graph: fx.Graph, node: fx.Node, *, several: bool) -> None:
    (bottom, *_) = node.all_input_nodes
    for top in list(node.users) if several else [node]:
        top.replace_all_uses_with(bottom)
        if top is not node:
            graph.erase_node(top)
    graph.erase_node(node)
