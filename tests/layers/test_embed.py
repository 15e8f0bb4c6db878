import numpy as np
import pytest
import torch

from netspec import compile_net
from netspec.errors import ShapeError
from netspec.layers.base import ClassLabels
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source

_FILL = 'weight_filler { type: "gaussian" } bias_filler { type: "gaussian" }'
_EMBED = 'type: "Embed" embed_param { num_output: 2 input_dim: 4 }'


@pytest.mark.parametrize("shape", [(6,), (3, 2), (1, 2, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradient(build, gradcheck, shape, bias):
    param = f"num_output: 5 input_dim: 4 bias_term: {str(bias).lower()} {_FILL}"
    layer = build(f'type: "Embed" embed_param {{ {param} }}', shape)
    index = torch.tensor([3, 0, 1, 1, 3, 3.0], dtype=torch.float64).reshape(shape)
    gradcheck(layer, index)
    weight, *biases = (blob.detach().numpy() for blob in layer.blobs)
    assert [blob.shape for blob in (weight, *biases)] == [(4, 5), (5,)][: 1 + bias]
    expected = np.zeros((*shape, 5))
    for place in np.ndindex(shape):
        expected[place] = weight[int(index[place])] + sum(biases)
    np.testing.assert_allclose(layer(index).detach(), expected)
    assert layer.shapes == [expected.shape]


def test_gradients_of_the_same_index_add_up(build):
    layer = build(_EMBED, (3,))
    layer(torch.tensor([2.0, 0, 2])).sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [2, 2], [0, 0]]
    assert layer.bias.grad.tolist() == [3, 3]


@pytest.mark.parametrize("wrong", [4, -1])
def test_an_index_out_of_range_is_named(build, wrong):
    text = f'input: "x" input_shape {{ dim: 3 }} layer {{ name: "words" bottom: "x" top: "y" {_EMBED} }}'
    net = compile_net(load_document(Source("net.prototxt", text), NetParameter))
    with pytest.raises(ShapeError, match=rf"layer 'words' \(Embed\) on x 3: expected .* found {wrong}"):
        net(x=[0, wrong, 1])


@pytest.mark.parametrize("wrong", [4, -1])
def test_an_index_from_within_the_net_is_named_too(wrong):
    text = f"""
    input: "x" input_shape {{ dim: 3 }}
    layer {{ name: "power" type: "Power" bottom: "x" top: "i" power_param {{ shift: {wrong} }} }}
    layer {{ name: "words" bottom: "i" top: "y" {_EMBED} }}
    """
    net = compile_net(load_document(Source("net.prototxt", text), NetParameter))
    with pytest.raises(ShapeError, match=r"layer 'words' \(Embed\) on i 3: .*out of range"):
        net(x=[0, 0, 0])


def test_what_an_index_may_be(build):
    assert build(_EMBED, (3,)).class_labels == ClassLabels(0, 4)


@pytest.mark.parametrize(("field", "param"), [("num_output", "input_dim: 4"), ("input_dim", "num_output: 2")])
def test_both_sizes_are_needed(rejects, field, param):
    message = f"{field} must be at least 1"
    rejects(message, "embed_param", f'type: "Embed" embed_param {{ {param} }}', (3,))
    rejects(message, "0", f'type: "Embed" embed_param {{ {param} {field}: 0 }}', (3,))
