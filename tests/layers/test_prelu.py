import numpy as np
import pytest
import torch

_FILLER = 'filler { type: "uniform" min: -1 max: 1 }'


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4, 5)])
def test_a_slope_per_channel(build, gradcheck, randn, shape):
    layer, x = build(f'type: "PReLU" prelu_param {{ {_FILLER} }}', shape), randn(*shape)
    gradcheck(layer, x)
    (slope,) = (blob.detach().numpy() for blob in layer.blobs)
    assert slope.shape == (3,)
    assert len(set(slope)) == 3
    values = x.detach().numpy()
    slopes = slope.reshape(3, *[1] * (len(shape) - 2))
    np.testing.assert_allclose(layer(x).detach(), np.maximum(values, 0) + slopes * np.minimum(values, 0))


def test_one_slope_for_all(build, gradcheck, randn):
    layer, x = (
        build(f'type: "PReLU" prelu_param {{ channel_shared: true {_FILLER} }}', (2, 3, 4)),
        randn(2, 3, 4),
    )
    gradcheck(layer, x)
    (slope,) = layer.blobs
    assert slope.shape == ()
    values = x.detach().numpy()
    np.testing.assert_allclose(layer(x).detach(), np.where(values > 0, values, slope.item() * values))


def test_slopes_start_at_a_quarter(build):
    assert build('type: "PReLU"', (2, 3)).slope.tolist() == [0.25] * 3
    assert build('type: "PReLU" prelu_param { filler { } }', (2, 3)).slope.tolist() == [0] * 3


def test_at_zero_the_gradient_is_the_slope(build):
    x = torch.zeros(1, 1, requires_grad=True)
    build('type: "PReLU"', (1, 1))(x).sum().backward()
    assert x.grad.item() == 0.25


def test_channels_are_needed(rejects):
    rejects("must have a channel axis", '"b0"', 'type: "PReLU"', (5,))
