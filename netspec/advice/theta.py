"""What a spatial transformer needs of the layers that make its theta."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from netspec.advice.flow import Flow
from netspec.advice.subject import Subject, warn
from netspec.compiler.net import Net
from netspec.errors import NetspecError
from netspec.graph.graph import Blob, Node
from netspec.layers.base import SourceLayer, as_tuple
from netspec.layers.linear import Linear
from netspec.layers.spatial_transformer import SpatialTransformer
from netspec.text.diagnostic import Diagnostic

_CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
# On the image's plane, whose sides are 2 long. Regressors with small random weights keep below it, those that
# xavier fills are ten times above.
_MOST_MOVED = 0.25
_LEAST_SCALE, _LEAST_AREA = 0.1, 0.01
_MOST_SHEARED = 0.75  # a turn by 37 degrees
_MOST_OUTSIDE = 0.5
_SEED = 987654321  # nobody's: what is drawn from a filler's seed would be its weights once more

Make = Callable[..., Tensor]


def not_identity(subject: Subject) -> Iterator[Diagnostic]:
    """A transformer that starts neither with the whole image nor with an upright window of it."""
    if not subject.begins_with_fillers:
        return
    net = subject.nets[0]
    flow = Flow(net.graph)
    for node, regressors in _transformers(flow):
        # A text without loss and fillers is there to be run with a file of weights.
        if net.loss_weights or any(map(_has_filler, regressors)):
            yield from _start(net, flow, node, regressors)


def learning_rate(subject: Subject) -> Iterator[Diagnostic]:
    """A theta that learns as fast as the last layers of what reads the transformer's top."""
    for graph in subject.graphs:
        flow = Flow(graph)
        transformers = list(_transformers(flow))
        all_regressors = {regressor for _, regressors in transformers for regressor in regressors}
        for node, regressors in transformers:
            readers = (_last_layers(flow) & flow.below(node)) - all_regressors
            fastest = max(regressors, key=flow.rates.__getitem__)
            reader = max(readers, key=flow.rates.__getitem__, default=None)
            if reader is not None and flow.rates[fastest] >= flow.rates[reader]:
                yield _too_fast(flow, node, fastest, reader)


def _too_fast(flow: Flow, node: Node, regressor: Node, reader: Node) -> Diagnostic:
    rate, bound = flow.rates[regressor], flow.rates[reader]
    name, other = regressor.layer.name, reader.layer.name
    message = (
        f"the theta of '{node.layer.name}' learns no more slowly (lr_mult {rate:g}) than '{other}', which "
        f"reads what it shows (lr_mult {bound:g})"
    )
    help = (
        f"a window that jumps loses what it should show: give '{name}' param {{ lr_mult: {bound / 10:g} }} "
        "twice, for weight and bias"
    )
    return warn(regressor.layer, message, "param", 0, "lr_mult", help=help)


def _transformers(flow: Flow) -> Iterator[tuple[Node, list[Node]]]:
    """The transformers whose theta is learned, each with the nearest linear layers that learn it."""
    for node in flow.graph.nodes:
        if isinstance(node.layer, SpatialTransformer):
            linear, _ = flow.climb(node.bottoms[1], _is_linear)
            if regressors := [each for each in flow.graph.nodes if each in linear and each in flow.rates]:
                yield node, regressors


def _is_linear(node: Node) -> bool:
    return isinstance(node.layer, Linear)


def _last_layers(flow: Flow) -> set[Node]:
    """The linear layers that learn nearest to the losses."""
    losses = [node for node in flow.graph.nodes if any(node.loss_weights)]
    found = (flow.climb(bottom, _is_linear)[0] for node in losses for bottom in node.bottoms)
    return {node for nodes in found for node in nodes} & flow.rates.keys()


# How theta starts --------------------------------------------------------------------------------------


def _start(net: Net, flow: Flow, node: Node, regressors: list[Node]) -> Iterator[Diagnostic]:
    layer, (image, theta) = node.layer, node.bottoms
    assert isinstance(layer, SpatialTransformer)

    def say(regressor: Node, filler: str, what: str) -> Diagnostic:
        message, help = f"the theta of '{layer.name}' starts at {what}", _help(layer, regressor)
        return warn(regressor.layer, message, _field(regressor), filler, help=help)

    resting = _at_start(net, flow, theta, torch.zeros)
    if (fault := _fault(layer, resting, image)) is not None:
        numbers = _listed(resting.flatten(1)[0].tolist())
        yield say(regressors[0], "bias_filler", f"{numbers}, which {fault}")
        return
    moving = _at_start(net, flow, theta, torch.randn)
    moved = _corners(layer, moving) - _corners(layer, resting)
    if not float(moved.square().sum(2).mean().sqrt()) <= _MOST_MOVED:
        culprit = next((each for each in regressors if each.layer.blobs[0].any()), regressors[0])
        yield say(culprit, "weight_filler", "random, differently for each image")


@torch.no_grad()
def _at_start(net: Net, flow: Flow, blob: Blob, fed: Make) -> Tensor:
    """What a blob holds before anything is learned, if the nearest linear layers above it read what ``fed``
    makes for a shape: the layers above them need not run."""
    linear, seen = flow.climb(blob, _is_linear)
    values: dict[Blob, Tensor] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        for node in (node for node in flow.graph.nodes if node in seen):
            if isinstance(node.layer, SourceLayer):
                tops = _drawn(net, node)
            elif node in linear:
                tops = as_tuple(node.layer(*(fed(bottom.shape) for bottom in node.bottoms)))
            else:
                tops = as_tuple(node.layer(*(values[bottom] for bottom in node.bottoms)))
            values.update(zip(node.tops, tops, strict=True))
    return values[blob]


def _drawn(net: Net, node: Node) -> Iterable[Tensor]:
    """What a source brings first; zeros where that is not known."""
    if node.key in net.data:
        try:
            return net.data[node.key].stream.batch(0)
        except NetspecError:  # training will say so
            pass
    return [torch.zeros(top.shape) for top in node.tops]


def _corners(layer: SpatialTransformer, theta: Tensor) -> Tensor:
    """Where the corners of the top come from: (N, 4, 2)."""
    return layer.trace(theta, _CORNERS)


def _fault(layer: SpatialTransformer, theta: Tensor, image: Blob) -> str | None:
    """What is wrong with the window that a theta opens: None for a part of the image, upright as st_param's
    constants leave it."""
    window = _corners(layer, theta).mean(0)
    whole = _corners(layer, theta.new_tensor([layer.identity()]))[0]
    window, whole = window - window.mean(0), whole - whole.mean(0)
    scale = (window * whole).sum(0) / whole.square().sum(0)
    upright = scale * whole
    if not _area(window) >= _LEAST_AREA * _area(whole):
        return "shows one point or line of the image, drawn out"
    if float(scale.min()) < _LEAST_SCALE or (window - upright).norm() > _MOST_SHEARED * upright.norm():
        return "turns or mirrors the image"
    outside = float(layer.outside(theta, image.shape))
    return f"looks beside the image with {outside:.0%} of its pixels" if outside > _MOST_OUTSIDE else None


def _area(corners: Tensor) -> float:
    """Of the parallelogram nearest to four corners (4, 2)."""
    down, across = corners[2] - corners[0], corners[1] - corners[0]
    return abs(float(down[0] * across[1] - down[1] * across[0]))


# Words -------------------------------------------------------------------------------------------------


def _has_filler(node: Node) -> bool:
    param = getattr(node.layer.spec, _field(node))
    return any(param.HasField(filler) for filler in ("weight_filler", "bias_filler"))


def _field(node: Node) -> str:
    """Where a linear layer's fillers stand."""
    return "inner_product_param" if node.layer.spec.type == "InnerProduct" else "convolution_param"


def _help(layer: SpatialTransformer, regressor: Node) -> str:
    identity = layer.identity()
    bias = '{ type: "file" file: "F" }, where the file F holds these numbers'
    if len(set(identity)) == 1:
        bias = f'{{ type: "constant" value: {identity[0]:g} }}'
    return (
        f"the image as it is has theta {_listed(identity)}: let '{regressor.layer.name}' start there, with "
        f'weight_filler {{ type: "constant" value: 0 }} and bias_filler {bias}'
    )


def _listed(values: list[float]) -> str:
    if len(values) > 8 and len(set(values)) == 1:
        return f"{values[0]:g} {len(values)} times"
    shown = " ".join(f"{value:.3g}" for value in values[:8])
    return f"{shown} ..." if len(values) > 8 else shown
