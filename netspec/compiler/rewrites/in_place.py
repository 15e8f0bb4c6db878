"""ReLU and sums that write to where their bottom lies: no memory for their top, and no way to it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, fx
from torch.fx.node import Argument

from netspec.compiler.rewrites.nodes import Joined, layer_nodes, only_reader
from netspec.layers.base import Layer
from netspec.layers.eltwise import Eltwise
from netspec.layers.relu import ReLU

# The top of these lies in memory of its own, and their gradients do not need its values.
_FREE = {
    *("BN", "BatchNorm", "Concat", "Convolution", "ConvolutionDepthwise", "Deconvolution", "Eltwise"),
    *("DepthwiseConvolution", "InnerProduct", "LRN", "Pooling", "Scale"),
}


def work_in_place(module: fx.GraphModule) -> list[Layer]:
    """Lets each ReLU, and each plain sum of two, overwrite a bottom that nobody needs any more."""
    changed: list[Layer] = []
    for node, layer in layer_nodes(module):
        free = [value for value in node.args if _is_free(module, value)]
        if not free:
            continue
        if isinstance(layer, ReLU) and not layer.slope:
            _become(module, node, torch.relu_, node.args)
        elif isinstance(layer, Eltwise) and layer.is_plain_sum and len(node.args) == 2:
            first, second = node.args
            _become(module, node, add_to, (first, second) if free[0] is first else (second, first))
        else:
            continue
        changed.append(layer)
    return changed


def add_to(x: Tensor, y: Tensor) -> Tensor:
    """x + y in the place of ``x``, where that has the type of the sum."""
    return x.add_(y) if x.dtype == y.dtype else x + y


def _is_free(module: fx.GraphModule, value: object) -> bool:
    if not isinstance(value, fx.Node) or only_reader(value) is None:
        return False
    if value.op == "call_module":
        made = module.get_submodule(str(value.target))
        return made.spec.type in _FREE if isinstance(made, Layer) else isinstance(made, Joined)
    return value.target is add_to


def _become(
    module: fx.GraphModule, node: fx.Node, function: Callable[..., Tensor], args: tuple[Argument, ...]
) -> None:
    module.delete_submodule(str(node.target))
    node.op, node.target, node.args = "call_function", function, args
