import numpy as np
import pytest
import torch
from torch.nn import functional as F

from netspec import compile_net
from netspec.errors import ShapeError
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source

_SHAPE = (2, 3, 2, 3)


def _layer(param=""):
    return f'type: "Upsample" upsample_param {{ {param} }}'


@pytest.mark.parametrize(
    ("param", "size"),
    [
        ("", (4, 6)),
        ("scale: 3", (6, 9)),
        ("scale_h: 2 scale_w: 4", (4, 12)),
        ("upsample_h: 5 upsample_w: 7", (5, 7)),
        ("scale: 2 pad_out_h: true", (3, 6)),
        ("scale_h: 3 scale_w: 2 pad_out_w: true", (6, 5)),
    ],
)
def test_values_and_gradient_with_a_mask(build, gradcheck, randn, rng, param, size):
    layer, x = build(_layer(param), _SHAPE, _SHAPE), randn(*_SHAPE)
    places = [rng.permutation(size[0] * size[1])[:6] for _ in range(6)]
    mask = torch.tensor(np.array(places), dtype=torch.float64).view(_SHAPE)
    expected = np.zeros((2, 3, *size))
    for n, c, i, j in np.ndindex(*_SHAPE):
        expected[(n, c, *divmod(int(mask[n, c, i, j]), size[1]))] = x[n, c, i, j].item()
    np.testing.assert_array_equal(layer(x, mask).detach(), expected)
    gradcheck(layer, x, mask)
    assert layer.shapes == [expected.shape]


@pytest.mark.parametrize(("param", "h", "w"), [("scale: 2", 2, 2), ("scale_h: 1 scale_w: 3", 1, 3)])
def test_values_and_gradient_without_a_mask(build, gradcheck, randn, param, h, w):
    layer, x = build(_layer(param), _SHAPE), randn(*_SHAPE)
    expected = x.detach().numpy().repeat(h, 2).repeat(w, 3)
    np.testing.assert_array_equal(layer(x).detach(), expected)
    gradcheck(layer, x)
    assert layer.shapes == [expected.shape]


def test_a_place_named_twice_gives_its_gradient_to_both(build):
    layer = build(_layer(), (1, 1, 1, 2), (1, 1, 1, 2))
    x = torch.tensor([[[[5.0, 5.0]]]], requires_grad=True)
    y = layer(x, torch.tensor([[[[3.0, 3.0]]]]))
    (y * torch.arange(8).view_as(y)).sum().backward()
    assert y.flatten().tolist() == [0, 0, 0, 5, 0, 0, 0, 0]
    assert x.grad.flatten().tolist() == [3, 3]


_NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 8 } } }
layer { name: "pool" type: "Pooling" bottom: "x" top: "y" top: "mask"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "up" type: "Upsample" bottom: "y" bottom: "mask" top: "z" upsample_param { pad_out_h: true } }
"""


def test_undoes_max_pooling():
    net = compile_net(load_document(Source("net.prototxt", _NET), NetParameter))
    x = torch.randn(2, 3, 5, 8)
    pooled, mask = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
    assert torch.equal(net(x=x)["z"], F.max_unpool2d(pooled, mask, 2, 2, output_size=(5, 8)))


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("scale_h and scale_w go together", "2", "scale_h: 2"),
        ("upsample_h and upsample_w go together", "7", "upsample_w: 7"),
        ("scale must be at least 1", "0", "scale: 0"),
        ("pad_out_w goes with a scale of 2, not 3", "true", "scale: 3 pad_out_w: true"),
        ("upsample_h and upsample_w must be at least 1", "0", "upsample_h: 0 upsample_w: 4"),
    ],
)
def test_wrong_parameters(rejects, message, marked, param):
    rejects(message, marked, _layer(param), _SHAPE, _SHAPE)


@pytest.mark.parametrize("param", ["upsample_h: 9 upsample_w: 9", "pad_out_h: true"])
def test_sizes_go_with_a_mask(rejects, param):
    value = param.split()[1]
    rejects("goes with a mask, the second bottom", value, _layer(param), _SHAPE)


def test_mask_of_another_shape(rejects):
    message = "the mask must have the shape of the first bottom"
    rejects(message, '"b1"', _layer(), _SHAPE, (2, 3, 2, 2), error=ShapeError)


def test_not_an_image(rejects):
    rejects("the bottom must be NxCxHxW", '"b0"', _layer(), (2, 3), error=ShapeError)
