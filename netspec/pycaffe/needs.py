"""Which layers take part in a backward pass, and for which of their bottoms: as Caffe decides it."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.graph.graph import Graph


@dataclass
class Need:
    """Whether a layer runs backward, and for each bottom whether its gradient is wanted."""

    layer: bool
    bottoms: list[bool]


def needs(graph: Graph) -> list[Need]:
    """What each node of a graph, in which each blob has one reader, does in a backward pass.

    A gradient goes to where something is learned or ``propagate_down`` asks for it, and comes from a loss;
    ``force_backward`` lets all layers take part, and all bottoms but labels.
    """
    found = _towards_learning(graph)
    _from_losses(graph, found)
    if graph.force_backward:
        for node, need in zip(graph.nodes, found, strict=True):
            labels = node.layer.traits.labels
            need.layer = True
            need.bottoms = [wanted or index not in labels for index, wanted in enumerate(need.bottoms)]
    return found


def _towards_learning(graph: Graph) -> list[Need]:
    learns = {param.node for param in graph.params if param.lr_mult}
    wanted: set[str] = set()  # blobs on the way from something that is learned
    found = []
    for node in graph.nodes:
        reads = [blob.name in wanted for blob in node.bottoms]
        asked = list(node.layer.spec.propagate_down)
        needed = node in learns or any(reads) or any(asked)
        if needed:
            wanted |= {top.name for top in node.tops}
        found.append(Need(needed, asked or reads))
    return found


def _from_losses(graph: Graph, found: list[Need]) -> None:
    under_loss: set[str] = set()
    stopped: set[str] = set()  # blobs whose reader wants no gradient for them
    for node, need in zip(reversed(graph.nodes), reversed(found), strict=True):
        counts = any(node.loss_weights) or any(top.name in under_loss for top in node.tops)
        stops = all(top.name in stopped for top in node.tops)
        if not counts or stops:
            need.layer, need.bottoms = False, [False] * len(need.bottoms)
        names = [blob.name for blob in node.bottoms]
        if counts:
            under_loss.update(names)
        stopped.update(name for name, wanted in zip(names, need.bottoms, strict=True) if not wanted)
