"""Known nets, written layer by layer as their papers describe them, and how they are put to the test."""

from __future__ import annotations

import pytest
import torch


class Text:
    """The text of a net as it grows. Each method adds layers and gives the name of the top to go on from."""

    FILLER = 'weight_filler { type: "msra" }'

    def __init__(self):
        self._layers = []

    def __str__(self):
        return "\n".join(self._layers)

    def layer(self, type, name, bottoms=(), tops=None, more=""):
        bottoms = [bottoms] if isinstance(bottoms, str) else bottoms
        tops = [name] if tops is None else tops.split()
        wires = [*(f'bottom: "{blob}"' for blob in bottoms), *(f'top: "{blob}"' for blob in tops)]
        self._layers.append(f'layer {{ name: "{name}" type: "{type}" {" ".join(wires)} {more} }}')
        return tops[0]

    def inputs(self, **shapes):
        for name, shape in shapes.items():
            dims = " ".join(f"dim: {dim}" for dim in shape)
            self.layer("Input", name, more=f"input_param {{ shape {{ {dims} }} }}")
        return next(iter(shapes))

    def conv(self, name, bottom, outputs, kernel, stride=1, pad=0, more="", relu=True):
        param = (
            f"num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {pad} {self.FILLER} {more}"
        )
        self.layer("Convolution", name, bottom, more=f"convolution_param {{ {param} }}")
        return self.relu(name) if relu else name

    def fc(self, name, bottom, outputs, more="", relu=False):
        param = f"num_output: {outputs} {self.FILLER} {more}"
        self.layer("InnerProduct", name, bottom, more=f"inner_product_param {{ {param} }}")
        return self.relu(name) if relu else name

    def relu(self, blob):
        return self.layer("ReLU", f"relu_{blob}", blob, tops=blob)

    def dropout(self, blob, ratio=0.5):
        more = f"dropout_param {{ dropout_ratio: {ratio} }}"
        return self.layer("Dropout", f"drop_{blob}", blob, tops=blob, more=more)

    def pool(self, name, bottom, kernel, stride, pad=0, method="MAX"):
        param = f"pool: {method} kernel_size: {kernel} stride: {stride} pad: {pad}"
        return self.layer("Pooling", name, bottom, more=f"pooling_param {{ {param} }}")

    def lrn(self, name, bottom):
        return self.layer("LRN", name, bottom, more="lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")

    def vgg(self, bottom, widths=(64, 128, 256, 512, 512), pads=(1, 1), pools=5):
        """The 13 convolutions of VGG-16; ``pads`` are those of the first one and of the others."""
        for block, (width, count) in enumerate(zip(widths, (2, 2, 3, 3, 3), strict=True), 1):
            for index in range(1, count + 1):
                pad = pads[0] if block == index == 1 else pads[1]
                bottom = self.conv(f"conv{block}_{index}", bottom, width, 3, pad=pad)
            if block <= pools:
                bottom = self.pool(f"pool{block}", bottom, 2, 2)
        return bottom


@pytest.fixture
def write():
    """A text to write a net in."""
    return Text


@pytest.fixture
def shapes_of(graph_of):
    """The shapes of a net's blobs and the number of its learnable numbers, found without memory or time."""

    def read(text, phase=0):
        graph = graph_of(str(text), phase)
        blobs = [param.node.layer.blobs[param.index] for param in graph.params if param.lr_mult]
        return {name: blob.shape for name, blob in graph.blobs.items()}, sum(blob.numel() for blob in blobs)

    return read


@pytest.fixture
def train(compile_text):
    """Runs a net in TRAIN phase, forward and backward, and asserts that each learnable blob got a gradient.

    Inputs that are not fed are normal numbers. Gives the net and its outputs.
    """

    def run(text, allow_python_layers=False, **feeds):
        net = compile_text(str(text), phase="TRAIN", seed=1, allow_python_layers=allow_python_layers)
        torch.manual_seed(1)
        out = net(**{name: torch.randn(net.blobs[name]) for name in net.inputs} | feeds)
        loss = net.loss(out)
        assert torch.isfinite(loss)
        loss.backward()
        for param in net.learnable_params:
            if param.lr_mult:
                grad = param.parameter.grad
                assert grad is not None, param.name
                assert torch.isfinite(grad).all(), param.name
                assert grad.any(), param.name
        return net, out

    return run
