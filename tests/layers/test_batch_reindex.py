import numpy as np
import pytest
import torch

from netspec import compile_net
from netspec.errors import ShapeError
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source

_NET = """
input: "x" input_shape { dim: 3 dim: 2 }
input: "i" input_shape { dim: 4 }
layer { name: "pick" type: "BatchReindex" bottom: "x" bottom: "i" top: "y" }
"""


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 4)])
def test_values_and_gradient(build, gradcheck, randn, shape):
    layer, x = build('type: "BatchReindex"', shape, (4,)), randn(*shape)
    index = torch.tensor([2.0, 0, 2, 1], dtype=torch.float64)
    np.testing.assert_array_equal(layer(x, index).detach(), x.detach().numpy()[[2, 0, 2, 1]])
    assert layer.shapes == [(4, *shape[1:])]
    gradcheck(layer, x, index)


def test_another_batch_and_number_of_indices_than_the_text_s(build):
    layer = build('type: "BatchReindex"', (3, 2), (4,))
    assert layer(torch.ones(7, 2), torch.tensor([6.0])).shape == (1, 2)
    assert layer(torch.ones(7, 2), torch.zeros(0)).shape == (0, 2)


@pytest.mark.parametrize("wrong", [3, -1])
def test_an_index_out_of_range_is_named(wrong):
    net = compile_net(load_document(Source("net.prototxt", _NET), NetParameter))
    with pytest.raises(ShapeError, match=r"layer 'pick' \(BatchReindex\) on x 3x2, i 4: .*out of range"):
        net(x=torch.ones(3, 2), i=[0, 1, wrong, 2])


def test_indices_have_one_axis(rejects):
    rejects("the indices must have one axis", '"b1"', 'type: "BatchReindex"', (3, 2), (4, 1))


def test_items_are_needed(rejects):
    rejects("must have an axis of items", '"b0"', 'type: "BatchReindex"', (), (4,))
