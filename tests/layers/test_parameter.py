import pytest
import torch

from netspec import compile_net
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source


def _layer(param):
    return f'type: "Parameter" parameter_param {{ {param} }}'


@pytest.mark.parametrize("shape", [(2, 3), (4,), ()])
def test_zeros_to_learn(build, gradcheck, shape):
    layer = build(_layer(f"shape {{ {' '.join(f'dim: {dim}' for dim in shape)} }}"))
    assert layer.shapes == [shape]
    assert torch.equal(layer(), torch.zeros(shape))
    assert layer() is layer.blobs[0]
    gradcheck(layer)


def test_it_learns_in_a_net():
    text = """
    input: "x" input_shape { dim: 2 dim: 3 }
    layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 3 } } param { lr_mult: 2 } }
    layer { name: "b" type: "Bias" bottom: "x" bottom: "p" top: "y" }
    """
    net = compile_net(load_document(Source("net.prototxt", text), NetParameter))
    net(x=torch.zeros(5, 3))["y"].sum().backward()
    (param,) = net.learnable_params
    assert (param.name, param.lr_mult) == ("p.weight", 2)
    assert param.parameter.grad.tolist() == [5, 5, 5]


def test_shape_missing(rejects):
    rejects("shape must be given", "layer", 'type: "Parameter"')


def test_no_negative_dims(rejects):
    rejects("no negative dim, found -1", "shape", _layer("shape { dim: 2 dim: -1 }"))


def test_no_bottom(rejects):
    rejects("takes 0 bottoms, not 1", '"b0"', _layer("shape { dim: 2 }"), (2,))
