"""Small nets, and files of weights as Caffe would have written them."""

from __future__ import annotations

import pytest
import torch

from netspec.compiler.net import compile_net
from netspec.schema.document import load_document
from netspec.schema.messages import BlobProto, LayerParameter, NetParameter
from netspec.text.source import Source

NET = """name: "small"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 1 dim: 6 dim: 6 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
"""


@pytest.fixture
def compile_text():
    def build(text, **options):
        return compile_net(load_document(Source("net.prototxt", text), NetParameter), **options)

    return build


@pytest.fixture
def net(compile_text):
    return compile_text(NET, seed=1)


@pytest.fixture
def write_file(tmp_path):
    """Writes a file with these layers: {name: [tensor, ..]}."""

    def write(layers, name="file.caffemodel"):
        messages = [
            LayerParameter(
                name=layer,
                blobs=[BlobProto(shape={"dim": b.shape}, data=b.flatten().tolist()) for b in blobs],
            )
            for layer, blobs in layers.items()
        ]
        path = tmp_path / name
        path.write_bytes(NetParameter(name="file", layer=messages).SerializeToString())
        return path

    return write


@pytest.fixture
def ones():
    """What the small net's layers hold when every number is one."""
    return {"conv": [torch.ones(2, 1, 3, 3), torch.ones(2)], "ip": [torch.ones(3, 32), torch.ones(3)]}
