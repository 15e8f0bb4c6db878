"""MAX pooling before ReLU, where the text has ReLU before MAX pooling.

The two give the same either way round, number by number: the largest element of a window stays the largest,
and a window without a positive one has the gradient zero in both orders. ReLU then works on a fraction of the
elements, and its top of the full size is never made.
"""

from __future__ import annotations

from torch import fx

from netspec.compiler.rewrites.nodes import layer_nodes, layer_of, only_reader
from netspec.layers.base import Layer
from netspec.layers.pooling import Pooling
from netspec.layers.relu import ReLU


def pool_before_relu(module: fx.GraphModule) -> list[Layer]:
    """Swaps each ReLU with the MAX pooling that alone reads it."""
    swapped: list[Layer] = []
    for node, layer in layer_nodes(module):
        while isinstance(layer, ReLU) and not layer.slope and (reader := only_reader(node)):
            pooling = layer_of(module, reader)
            if not isinstance(pooling, Pooling) or not pooling.picks_largest:
                break
            _swap(node, reader)
            swapped += [layer, pooling]
    return swapped


def _swap(relu: fx.Node, pooling: fx.Node) -> None:
    pooling.replace_all_uses_with(relu)
    pooling.args, relu.args = relu.args, (pooling,)
    pooling.append(relu)
    relu.meta["shape"] = pooling.meta["shape"]
