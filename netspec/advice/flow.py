"""What lies above and below a blob of a graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from netspec.graph.graph import Blob, Graph, Node
from netspec.layers.relu import ReLU
from netspec.layers.relu6 import ReLU6

Test = Callable[[Node], bool]


class Flow:
    """Who makes and who reads each blob of a graph, and which layers learn how fast."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.maker = {top: node for node in graph.nodes for top in node.tops}
        self.rates: dict[Node, float] = {}  # the lr_mult of a layer's first blob that learns
        for param in graph.params:
            if param.lr_mult:
                self.rates.setdefault(param.node, param.lr_mult)
        self.readers: defaultdict[Blob, list[Node]] = defaultdict(list)
        for node in graph.nodes:
            for blob in node.bottoms:
                self.readers[blob].append(node)

    def climb(
        self, blob: Blob, wanted: Test, through: Test = lambda node: True
    ) -> tuple[list[Node], set[Node]]:
        """Goes up from a blob to the nearest layers that are ``wanted``, on each way on which all layers in
        between let it ``through``: those it has found, and those it has seen."""
        pending, found, seen = [blob], [], set[Node]()
        while pending:
            node = self.maker[pending.pop()]
            if node in seen:
                continue
            seen.add(node)
            if wanted(node):
                found.append(node)
            elif through(node):
                pending += node.bottoms
        return found, seen

    def meet(self, blob: Blob, through: Test) -> list[Node]:
        """The layers that read a blob, maybe behind others that let it ``through``."""
        found: list[Node] = []
        for node in self.readers[blob]:
            if through(node):
                found += [met for top in node.tops for met in self.meet(top, through)]
            else:
                found.append(node)
        return found

    def below(self, node: Node) -> set[Node]:
        """The layers that something of a layer's tops reaches."""
        reached, found = {*node.tops}, set[Node]()
        for other in self.graph.nodes:
            if not reached.isdisjoint(other.bottoms):
                found.add(other)
                reached.update(other.tops)
        return found


def is_relu(node: Node) -> bool:
    """Whether a layer lets nothing through below zero, no gradient either."""
    return isinstance(node.layer, ReLU | ReLU6) and not node.layer.slope


def is_of(*types: str) -> Test:
    """Whether a layer is of one of some types."""
    return lambda node: node.layer.spec.type in types


reshapes = is_of("Dropout", "Flatten", "Permute", "Reshape", "Split")
