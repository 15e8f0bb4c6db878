"""Layers built from text, as a net would build them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import functional_call

from netspec.errors import NetError
from netspec.layers.base import as_tuple
from netspec.layers.registry import find_layer
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source


def build_layer(text, *shapes, tops=1, training=False, seed=0):
    """The layer with these fields on bottoms of these shapes, named b0, b1, ..; its tops are t0, t1, .."""
    names = [f'bottom: "b{i}"' for i in range(len(shapes))] + [f'top: "t{i}"' for i in range(tops)]
    source = Source("net.prototxt", f'layer {{ name: "l" {" ".join(names)}\n{text}\n}}\n')
    document = load_document(source, NetParameter)
    spec = document.message.layer[0]
    layer = find_layer(spec.type)(spec, document.spans.sub("layer", 0), training=training)
    layer.shapes = layer.build(shapes)
    layer.materialize(torch.device("cpu"), torch.Generator().manual_seed(seed))
    return layer


@pytest.fixture
def build():
    return build_layer


@pytest.fixture
def rejects():
    """Asserts that a layer is refused with this message, and that the span marks this piece of the text."""

    def check(message, marked, text, *shapes, tops=1, error=NetError):
        with pytest.raises(error, match=message) as caught:
            build_layer(text, *shapes, tops=tops)
        span = caught.value.diagnostics[0].span
        assert span.source.text[span.start : span.end] == marked

    return check


@pytest.fixture
def gradcheck():
    """Holds a layer's gradients, to its bottoms and its blobs, against numeric ones in float64."""

    def check(layer, *bottoms):
        layer.double()
        blobs = [blob.detach().clone().requires_grad_() for blob in layer.blobs]

        def run(*tensors):
            values = dict(zip(layer.blob_names, tensors[len(bottoms) :], strict=True))
            tops = as_tuple(functional_call(layer, values, tensors[: len(bottoms)]))
            return tuple(top for top in tops if top.requires_grad)

        assert torch.autograd.gradcheck(run, (*bottoms, *blobs))

    return check


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def randn():
    """A float64 tensor of normal numbers that asks for its gradient."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator, requires_grad=True)

    return draw
