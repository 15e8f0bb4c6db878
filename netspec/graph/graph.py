"""The graph: what the passes found out about a net, as objects that the compiler walks."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.layers.base import DataLayer, Layer, Shape, SourceLayer
from netspec.text.diagnostic import Diagnostic
from netspec.text.source import Span


@dataclass(frozen=True, eq=False)
class Blob:
    """A tensor between layers. In-place layers make another blob of the same name."""

    name: str
    shape: Shape


@dataclass(frozen=True, eq=False)
class Node:
    """One layer at its place in the net.

    Attributes:
        key: the layer's name, made unique among the net's nodes.
        loss_weights: for each top, the weight of its sum in the net's loss.
        propagate_down: for each bottom, whether the gradient flows on through it.
    """

    key: str
    layer: Layer
    bottoms: tuple[Blob, ...]
    tops: tuple[Blob, ...]
    loss_weights: tuple[float, ...]
    propagate_down: tuple[bool, ...]

    @property
    def span(self) -> Span | None:
        """The place of the layer in the text."""
        return self.layer.spans.span


@dataclass(frozen=True)
class Param:
    """A blob of a layer as the solver sees it. ``owner`` is set where another layer's blob stands for it."""

    node: Node
    index: int
    lr_mult: float
    decay_mult: float
    owner: Param | None

    @property
    def name(self) -> str:
        """``<layer>.<blob>``, its key in the state dict."""
        return f"{self.node.key}.{self.node.layer.blob_names[self.index]}"


@dataclass(frozen=True, eq=False)
class Graph:
    """A net in one phase. ``nodes`` holds every layer, source layers too, in the order of the text.

    ``debug_info`` is the net's own wish to have the magnitudes of its blobs told.
    """

    name: str
    training: bool
    force_backward: bool
    nodes: tuple[Node, ...]
    params: tuple[Param, ...]
    warnings: tuple[Diagnostic, ...]
    debug_info: bool = False

    @property
    def sources(self) -> list[Node]:
        """The layers whose tops come from outside: fed by the caller, or drawn."""
        return [node for node in self.nodes if isinstance(node.layer, SourceLayer)]

    @property
    def blobs(self) -> dict[str, Blob]:
        """The newest blob of each name, in the order in which the names first appear."""
        return {top.name: top for node in self.nodes for top in node.tops}

    @property
    def inputs(self) -> list[Blob]:
        """The blobs that the caller must feed."""
        return [top for node in self.sources if not isinstance(node.layer, DataLayer) for top in node.tops]

    @property
    def outputs(self) -> list[Blob]:
        """The blobs that no layer reads, sorted by name as Caffe sorts them."""
        read = {bottom for node in self.nodes for bottom in node.bottoms}
        return [blob for _, blob in sorted(self.blobs.items()) if blob not in read]

    @property
    def loss_weights(self) -> dict[Blob, float]:
        """The weight of each blob that counts towards the loss."""
        pairs = [pair for node in self.nodes for pair in zip(node.tops, node.loss_weights, strict=True)]
        return {blob: weight for blob, weight in pairs if weight}
