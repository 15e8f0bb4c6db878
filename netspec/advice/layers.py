"""What layers need of the layers beside them."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.advice.flow import Flow, Test, is_of, is_relu, reshapes
from netspec.advice.subject import Subject, warn
from netspec.graph.graph import Node
from netspec.layers.batch_norm import BatchNorm
from netspec.layers.linear import Linear
from netspec.text.diagnostic import Diagnostic

# What a loss layer does to its first bottom before it compares.
_OWN_FUNCTION = {
    "SoftmaxWithLoss": "Softmax",
    "InfogainLoss": "Softmax",
    "SigmoidCrossEntropyLoss": "Sigmoid",
}

_keeps_zeros = is_of("Dropout", "Flatten", "LRN", "Permute", "Pooling", "Reshape", "Split")


def relu_before_loss(subject: Subject) -> Iterator[Diagnostic]:
    """A ReLU between the last layer and the loss, where scores must be free to fall below zero."""
    for loss, flow in _losses(subject, *_OWN_FUNCTION, "MultinomialLogisticLoss"):
        for relu in _above(flow, loss, is_relu):
            message = f"a ReLU in front of '{loss.layer.name}' ({loss.layer.spec.type})"
            help = "remove it: a score that has become 0 for all images gets no gradient, and stays so"
            yield warn(relu.layer, message, help=help)


def softmax_before_loss(subject: Subject) -> Iterator[Diagnostic]:
    """A Softmax or Sigmoid in front of a loss that applies one itself."""
    for loss, flow in _losses(subject, *_OWN_FUNCTION):
        for squashing in _above(flow, loss, is_of("Softmax", "Sigmoid")):
            kind, own = loss.layer.spec.type, _OWN_FUNCTION[loss.layer.spec.type]
            here = f"a {squashing.layer.spec.type} in front of '{loss.layer.name}'"
            message = f"{here} ({kind}), which has a {own} of its own"
            help = "give the loss the scores themselves: numbers between 0 and 1 leave it almost no gradient"
            yield warn(squashing.layer, message, help=help)


def _losses(subject: Subject, *types: str) -> Iterator[tuple[Node, Flow]]:
    for graph in subject.graphs:
        flow = Flow(graph)
        yield from ((node, flow) for node in graph.nodes if any(node.loss_weights) and is_of(*types)(node))


def _above(flow: Flow, loss: Node, wanted: Test) -> list[Node]:
    def through(node: Node) -> bool:
        return reshapes(node) or node.layer.spec.type == "Softmax"

    return flow.climb(loss.bottoms[0], wanted, through)[0]


def batchnorm_without_scale(subject: Subject) -> Iterator[Diagnostic]:
    """A BatchNorm, which learns nothing itself, with nothing behind it that does."""
    for graph in subject.graphs:
        flow = Flow(graph)
        for node in graph.nodes:
            if not isinstance(node.layer, BatchNorm) or node.layer.scale is not None:
                continue
            if not any(map(is_of("Scale", "Bias"), flow.meet(node.tops[0], reshapes))):
                yield warn(
                    node.layer,
                    "a BatchNorm without a Scale behind it",
                    help="Caffe's BatchNorm only normalises; a Scale with scale_param { bias_term: true } "
                    "behind it learns each channel's slope and bias",
                )


def zero_start(subject: Subject) -> Iterator[Diagnostic]:
    """Layers that start at zero in front of a ReLU or of each other: no gradient ever reaches them."""
    for net in subject.nets if subject.begins_with_fillers else ():
        if net.loss_weights:
            flow = Flow(net.graph)
            yield from _first_dead([node for node in net.graph.nodes if _is_dead(flow, node)])


def _first_dead(dead: list[Node]) -> Iterator[Diagnostic]:
    for node in dead[:1]:
        more = f" ({len(dead) - 1} more like it)" if len(dead) > 1 else ""
        message = f"its weights start at 0, where no gradient comes back to them or to what is above{more}"
        help = (
            'without a filler Caffe fills with 0: give it weight_filler { type: "xavier" }, unless weights '
            "are loaded from a file"
        )
        yield warn(node.layer, message, help=help)


def _is_dead(flow: Flow, node: Node) -> bool:
    if not _is_zero(flow, node):
        return False
    readers = [reader for top in node.tops for reader in flow.meet(top, _keeps_zeros)]
    return bool(readers) and all(is_relu(reader) or _is_zero(flow, reader) for reader in readers)


def _is_zero(flow: Flow, node: Node) -> bool:
    is_learned = isinstance(node.layer, Linear) and node in flow.rates
    return is_learned and not any(bool(blob.any()) for blob in node.layer.blobs)
