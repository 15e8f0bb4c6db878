import numpy as np
import pytest
import torch

from netspec.errors import ShapeError


def _layer(param=""):
    return f'type: "Normalize" norm_param {{ {param} }}'


def _norms(x, across_spatial, eps):
    norms = np.empty_like(x)
    for n in range(len(x)):
        if across_spatial:
            norms[n] = np.sqrt(sum(v * v for v in x[n].flat) + eps)
            continue
        for place in np.ndindex(*x.shape[2:]):
            norms[(n, slice(None), *place)] = np.sqrt(sum(v * v for v in x[(n, slice(None), *place)]) + eps)
    return norms


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("shape", [(2, 3, 4, 2), (2, 3)])
def test_values_and_gradient(build, gradcheck, randn, across, shared, shape):
    param = f"across_spatial: {across} channel_shared: {shared} eps: 0.5 scale_filler {{ value: 2 }}".lower()
    layer, x = build(_layer(param), shape), randn(*shape)
    expected = 2 * x.detach().numpy() / _norms(x.detach().numpy(), across, 0.5)
    gradcheck(layer, x)
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-9)
    assert layer.shapes == [shape]


def test_the_blob(build):
    (shared,), (each,) = (build(_layer(param), (2, 3, 4)).blobs for param in ("", "channel_shared: false"))
    assert shared.tolist() == 1
    assert each.tolist() == [1, 1, 1]


def test_zeros_stay_zeros(build):
    x = torch.zeros(1, 2, 2, requires_grad=True)
    y = build(_layer(), (1, 2, 2))(x)
    y.sum().backward()
    assert not y.any()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("across", [True, False])
def test_scales_that_differ_multiply_the_gradient_last(build, randn, across):
    param = f"channel_shared: false across_spatial: {across}".lower()
    layer, x, grad = build(_layer(param), (2, 3, 2)).double(), randn(2, 3, 2), randn(2, 3, 2).detach()
    scale = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    layer.scale.data.copy_(scale)
    y = layer(x)
    y.backward(grad)
    norms = _norms(x.detach().numpy(), across, 1e-10)
    np.testing.assert_allclose(y.detach(), scale[:, None] * x.detach() / torch.from_numpy(norms))
    # The projection off the unit vector with the plain gradient, the scale after it.
    u = x.detach().numpy() / norms
    along = (grad.numpy() * u).sum((1, 2) if across else 1, keepdims=True)
    expected = (grad.numpy() - u * along) / norms * scale.numpy()[:, None]
    np.testing.assert_allclose(x.grad, expected)
    np.testing.assert_allclose(layer.scale.grad, (grad.numpy() * u).sum((0, 2)))


def test_no_channels(rejects):
    rejects("the bottom must have channels", '"b0"', _layer(), (4,), error=ShapeError)
