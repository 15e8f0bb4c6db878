"""Layers that multiply each channel by one number and add another, as BatchNorm in TEST and Scale do.

They fold into the weights of the convolution above them: Jacob et al., "Quantization and training of neural
networks for efficient integer-arithmetic-only inference", 2018, section 3.2. The folding is part of the
module and starts from the blobs as they are at each run: it is right whatever was loaded, shared or written
to them since, and gradients flow through it. It pays where the weights are fewer than the numbers of the top;
elsewhere several maps become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, fx, nn

from netspec.compiler.rewrites.nodes import (
    Joined,
    layer_nodes,
    layer_of,
    only_reader,
    replace,
    shape_of,
)
from netspec.layers.base import ChannelMap, Layer
from netspec.layers.linear import Linear


class ChannelMaps(Joined):
    """Several maps as one."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def joined(self) -> ChannelMap:
        """The map that all of them come to."""
        (factor, term), *others = (_map(layer) for layer in self.layers)
        for scale, bias in others:
            factor = factor * scale
            term = bias if term is None else _affine(term, scale, bias)
        return factor, term

    def forward(self, x: Tensor) -> Tensor:
        spread = (-1, *[1] * (x.ndim - 2))
        factor, term = self.joined()
        return _affine(x, factor.view(spread), None if term is None else term.view(spread))


class FoldedMaps(Joined):
    """A layer with the maps behind it in its blobs."""

    def __init__(self, linear: Linear, maps: Sequence[Layer]) -> None:
        super().__init__()
        self.linear, self.maps = linear, ChannelMaps(maps)

    def forward(self, x: Tensor) -> Tensor:
        factor, term = self.maps.joined()
        bias = self.linear.bias
        if bias is not None:
            term = _affine(bias, factor, term)
        return self.linear.transform(x, self.linear.scaled_weight(factor), term)


def fold_channel_maps(module: fx.GraphModule) -> list[Layer]:
    """Folds the maps behind a Convolution, Deconvolution or InnerProduct, and joins those behind others."""
    folded: list[Layer] = []
    for node, layer in layer_nodes(module):
        takes_maps = isinstance(layer, Linear) and layer.maps_channels
        nodes = _maps_from(module, only_reader(node) if takes_maps else node)
        maps = [found for found in (layer_of(module, each) for each in nodes) if found is not None]
        if isinstance(layer, Linear) and nodes and layer.weight.numel() <= prod(shape_of(nodes[-1])):
            replace(module, (node, *nodes), FoldedMaps(layer, maps))
            maps = [layer, *maps]
        elif len(nodes) > 1:
            replace(module, nodes, ChannelMaps(maps))
        else:
            continue
        folded += maps
    return folded


def _maps_from(module: fx.GraphModule, node: fx.Node | None) -> list[fx.Node]:
    """The maps in a row that begins with a node."""
    found = []
    while node is not None and (layer := layer_of(module, node)) and layer.channel_map() is not None:
        found.append(node)
        node = only_reader(node)
    return found


def _map(layer: nn.Module) -> ChannelMap:
    found = layer.channel_map() if isinstance(layer, Layer) else None
    assert found is not None
    return found


def _affine(x: Tensor, factor: Tensor, term: Tensor | None) -> Tensor:
    return x * factor if term is None else torch.addcmul(term, x, factor)
