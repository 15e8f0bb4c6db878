"""BatchNorm, and the Scale that Caffe's nets put behind it, in one step."""

from __future__ import annotations

from torch import Tensor, fx

from netspec.compiler.rewrites.nodes import Joined, layer_nodes, layer_of, only_reader, replace
from netspec.layers.base import Layer
from netspec.layers.batch_norm import BatchNorm
from netspec.layers.scale import Scale


class BatchNormScale(Joined):
    """PyTorch's batch normalisation takes a scale and a bias: one pass over the blob less each way."""

    def __init__(self, norm: BatchNorm, scale: Scale) -> None:
        super().__init__()
        self.norm, self.scale = norm, scale

    def forward(self, x: Tensor) -> Tensor:
        channels = self.scale.channel_map()
        assert channels is not None
        return self.norm.normalize(x, *channels)


def join_batch_norm_and_scale(module: fx.GraphModule) -> list[Layer]:
    """Joins each BatchNorm without a scale of its own with the Scale that alone reads it."""
    joined: list[Layer] = []
    for node, layer in layer_nodes(module):
        reader = only_reader(node)
        scale = layer_of(module, reader)
        if reader is None or not isinstance(layer, BatchNorm) or not isinstance(scale, Scale):
            continue
        if layer.scale is None and scale.channel_map() is not None:
            replace(module, (node, reader), BatchNormScale(layer, scale))
            joined += [layer, scale]
    return joined
