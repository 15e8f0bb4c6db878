"""Lowers a graph to a `torch.fx.GraphModule` whose code reads like the prototxt."""

from __future__ import annotations

import keyword
import operator
import re
from collections.abc import Container

from torch import fx, nn

from netspec.graph.graph import Blob, Graph, Node
from netspec.layers.base import SourceLayer

# What a GraphModule uses itself, on the class and on the instance.
_RESERVED = frozenset(dir(fx.GraphModule(nn.Module(), fx.Graph())))


def lower(graph: Graph) -> fx.GraphModule:
    """The graph as a module.

    Its positional arguments are the tops of the source layers, in order; its result maps the names of the
    output blobs, and of all blobs with a loss weight, to tensors.

    Each fx node carries its graph node in ``meta["node"]``, its place in the text in ``meta["span"]`` and its
    shape (or shapes) in ``meta["shape"]``.
    """
    return _Lowering(graph).run()


class _Lowering:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.fx = fx.Graph()
        self.root: dict[str, nn.Module] = {}
        self.values: dict[Blob, fx.Node] = {}

    def run(self) -> fx.GraphModule:
        for node in self.graph.nodes:
            if isinstance(node.layer, SourceLayer):
                self._source(node)
            else:
                self._compute(node)
        wanted = {blob.name: blob for blob in (*self.graph.outputs, *self.graph.loss_weights)}
        self.fx.output({name: self.values[blob] for name, blob in wanted.items()})
        self.fx.lint()
        return fx.GraphModule(self.root, self.fx, class_name=_identifier(self.graph.name or "net"))

    def _source(self, node: Node) -> None:
        for top in node.tops:
            taken = [str(value.target) for value in self.values.values() if value.op == "placeholder"]
            value = self.fx.placeholder(_identifier(top.name, taken))
            self._mark(value, node, top.shape)
            self.values[top] = value

    def _compute(self, node: Node) -> None:
        target = self._target(node.key)
        self.root[target] = node.layer
        bottoms = [
            self.values[blob] if flows else self._detached(node, blob)
            for blob, flows in zip(node.bottoms, node.propagate_down, strict=True)
        ]
        value = self.fx.create_node("call_module", target, tuple(bottoms), name=_identifier(node.key))
        shapes = tuple(top.shape for top in node.tops)
        self._mark(value, node, shapes[0] if len(shapes) == 1 else shapes)
        if len(node.tops) == 1:
            self.values[node.tops[0]] = value
            return
        for index, top in enumerate(node.tops):
            item = self.fx.create_node(
                "call_function", operator.getitem, (value, index), name=_identifier(top.name)
            )
            self._mark(item, node, top.shape)
            self.values[top] = item

    def _detached(self, node: Node, blob: Blob) -> fx.Node:
        value = self.fx.create_node(
            "call_method", "detach", (self.values[blob],), name=_identifier(f"{blob.name}_detached")
        )
        self._mark(value, node, blob.shape)
        return value

    def _mark(self, value: fx.Node, node: Node, shape: object) -> None:
        value.meta.update(node=node, span=node.span, shape=shape)

    def _target(self, key: str) -> str:
        # fx pastes the target into the code as it is: a plain name keeps it readable, and harmless.
        return _identifier(key, _RESERVED | self.root.keys())


def _identifier(name: str, taken: Container[str] = ()) -> str:
    """A Python name for a layer or blob. fx keeps node names apart; ``taken`` is for all others."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
    if plain[0].isdigit() or plain in ("self", "torch") or keyword.iskeyword(plain):
        plain = f"_{plain}"
    while plain in taken:
        plain += "_"
    return plain
