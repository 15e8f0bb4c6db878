"""Channels last (NHWC in memory) where that pays; no number changes.

What was measured (float32, CPU with AVX2, PyTorch 2.13, time of one or two threads): MAX and AVE pooling take
5 to 15 times as long with channels first, from 4 channels on; BatchNorm 3 to 4 times, forward. Convolutions
take as long or, with one channel or a large plane, up to twice as long. Those whose weight does not fit into
the caches are worse off with channels last: the gradient of 512 x 512 x 3 x 3 takes 2 to 4 times as long, all
of 512 x 2048 1.4 times. Changing the order costs a fraction of any of these. On CUDA, tensor cores read half
precision with channels last; in float32 there is nothing to gain. That rule is not measured yet.

Parameters stay as they are, for people take views of them: a convolution follows its bottom.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from netspec.compiler.rewrites.batch_norm_scale import BatchNormScale
from netspec.compiler.rewrites.channel_maps import ChannelMaps, FoldedMaps
from netspec.compiler.rewrites.in_place import add_to
from netspec.compiler.rewrites.nodes import only_reader, shape_of
from netspec.layers.base import Layer
from netspec.layers.convolution import Convolution

# Layers that go as their bottoms do, at the same speed. All others may ask for channels first; Dropout, so
# that it draws the same for the same element.
_FOLLOWS = {
    *("AbsVal", "BNLL", "Clip", "Concat", "ContrastiveNormalization", "ELU", "Eltwise", "Exp", "LRN", "Log"),
    *("PReLU", "Power", "ReLU", "ReLU6", "Scale", "Sigmoid", "Swish", "TanH", "Threshold"),
}
_FOLLOWING = {torch.relu_, add_to, "detach"}
_LIKES = {"BN", "BatchNorm", "Pooling"}
# Layers that are as quick with either order of their bottoms, and give channels first. Spared a change of
# order, an image that others read as well is kept once for the way back.
_TAKES_BOTH = {"ST", "SpatialTransformer"}
_LEAST_CHANNELS = 4  # for which these are quicker
_LARGEST_WEIGHT = 2**19  # numbers


def lay_out(module: fx.GraphModule, device: torch.device, dtype: torch.dtype) -> list[Layer]:
    """Puts in changes of order, so that each layer gets the one that it is quick with, and the result and
    layers that may ask for it get channels first. Gives the layers that compute with channels last."""
    if not _pays(device, dtype):
        return []
    return _Layout(module).run()


def _pays(device: torch.device, dtype: torch.dtype) -> bool:
    if device.type == "cuda":
        return dtype in (torch.float16, torch.bfloat16)
    return device.type == "cpu" and dtype == torch.float32 and bool(torch.backends.mkldnn.enabled)


def channels_last(x: Tensor) -> Tensor:
    """``x`` (N, C, H, W) with its channels next to each other in memory."""
    if x.shape[1] == 1:  # fits both orders, and is taken for the first
        return x.reshape(len(x), *x.shape[2:], 1).permute(0, 3, 1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def channels_first(x: Tensor) -> Tensor:
    """``x`` as most code expects it to lie."""
    return x.contiguous()


class _Layout:
    def __init__(self, module: fx.GraphModule) -> None:
        self.module, self.graph = module, module.graph
        self.last: set[fx.Node] = set()  # nodes whose tensor has its channels last
        self.changed: dict[tuple[fx.Node, bool], fx.Node] = {}
        self.early: list[Layer] = []  # what has its channels first after all

    def run(self) -> list[Layer]:
        found: list[Layer] = []
        for node in self.graph.nodes:
            if node.op == "placeholder":
                continue
            last = self._is_last(node)
            if node.target in (channels_last, channels_first):
                self.last |= {node} if last else set()
                continue
            for bottom in () if self._takes_both(node) else node.all_input_nodes:
                if (bottom in self.last) != last and not self._changed_early(bottom, last):
                    node.replace_input_with(bottom, self._change(bottom, last, node))
            if last:
                self.last.add(node)
                found.append(node.meta["node"].layer)
        return [layer for layer in found if layer not in self.early]

    def _changed_early(self, value: fx.Node, last: bool) -> bool:
        """Whether the order could be changed in front of a ReLU that overwrites its bottom: it keeps its top
        for the way back, as its reader does, and so both keep the same."""
        if value.target is not torch.relu_ or only_reader(value) is None:
            return False
        (bottom,) = value.all_input_nodes
        if (bottom in self.last) != last and not self._changed_early(bottom, last):
            value.replace_input_with(bottom, self._change(bottom, last, value))
        (self.last.add if last else self.last.discard)(value)
        if not last:
            self.early.append(value.meta["node"].layer)
        return True

    def _change(self, bottom: fx.Node, last: bool, reader: fx.Node) -> fx.Node:
        """The node's tensor in the other order, made before its first reader that asks for it."""
        if (bottom, last) not in self.changed:
            change = channels_last if last else channels_first
            with self.graph.inserting_before(reader):
                node = self.graph.create_node(
                    "call_function", change, (bottom,), name=f"{bottom.name}_{'last' if last else 'first'}"
                )
            node.meta = dict(bottom.meta)
            self.changed[bottom, last] = node
        return self.changed[bottom, last]

    def _is_last(self, node: fx.Node) -> bool:
        """Whether a node computes with channels last."""
        if node.op == "output" or not all(map(_is_image, (node, *node.all_input_nodes))):
            return False
        if node.op != "call_module":
            follows = node.target in _FOLLOWING and self._has_bottom_last(node)
            return follows or node.target is channels_last
        made = self.module.get_submodule(str(node.target))
        made = made.linear if isinstance(made, FoldedMaps) else made
        if isinstance(made, Convolution):
            return _is_quick(made)
        if isinstance(made, ChannelMaps) or _type(made) in _FOLLOWS:
            return self._has_bottom_last(node)
        enough = shape_of(node.all_input_nodes[0])[1] >= _LEAST_CHANNELS
        return enough and (isinstance(made, BatchNormScale) or _type(made) in _LIKES)

    def _takes_both(self, node: fx.Node) -> bool:
        return node.op == "call_module" and _type(self.module.get_submodule(str(node.target))) in _TAKES_BOTH

    def _has_bottom_last(self, node: fx.Node) -> bool:
        return any(bottom in self.last for bottom in node.all_input_nodes)


def _is_image(node: fx.Node) -> bool:
    shape = shape_of(node)
    return len(shape) == 4 and all(isinstance(size, int) for size in shape)


def _is_quick(layer: Convolution) -> bool:
    return layer.maps_channels and layer.weight.numel() < _LARGEST_WEIGHT


def _type(made: nn.Module) -> str:
    return made.spec.type if isinstance(made, Layer) else ""
