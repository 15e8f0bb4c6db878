from math import ceil

import numpy as np
import pytest
import torch

from netspec.errors import ShapeError


def _layer(param):
    return f'type: "SPP" spp_param {{ {param} }}'


def _reference(x, height, average):
    """Bins of ceil(size / bins) elements, from half of what they need too much in front of the plane."""
    columns = []
    for bins in (2**level for level in range(height)):
        kernel = [ceil(size / bins) for size in x.shape[2:]]
        pad = [ceil((k * bins - size) / 2) for k, size in zip(kernel, x.shape[2:], strict=True)]
        pooled = np.zeros((*x.shape[:2], bins, bins))
        for n, c, i, j in np.ndindex(*pooled.shape):
            top, left = i * kernel[0] - pad[0], j * kernel[1] - pad[1]
            window = x[n, c, max(top, 0) : top + kernel[0], max(left, 0) : left + kernel[1]]
            area = (min(top + kernel[0], x.shape[2] + pad[0]) - top) * (
                min(left + kernel[1], x.shape[3] + pad[1]) - left
            )
            pooled[n, c, i, j] = window.sum() / area if average else window.max()
        columns.append(pooled.reshape(len(x), -1))
    return np.concatenate(columns, 1)


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize(("height", "plane"), [(2, (4, 6)), (3, (8, 6)), (3, (7, 10)), (2, (5, 3))])
def test_values_and_gradient(build, gradcheck, randn, method, height, plane):
    layer = build(_layer(f"pyramid_height: {height} pool: {method}"), (2, 2, *plane))
    x = randn(2, 2, *plane)
    expected = _reference(x.detach().numpy(), height, method == "AVE")
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-9)
    gradcheck(layer, x)
    assert layer.shapes == [expected.shape] == [(2, 2 * (4**height - 1) // 3)]


def test_one_level_keeps_its_axes(build):
    layer = build(_layer("pyramid_height: 1"), (2, 3, 4, 5))
    assert layer.shapes == [(2, 3, 1, 1)]
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(layer(x), x.amax((2, 3), keepdim=True))


def test_stochastic_follows_the_phase(build):
    text = _layer("pyramid_height: 2 pool: STOCHASTIC")
    x = torch.rand(1, 1, 4, 4)
    assert build(text, (1, 1, 4, 4))(x)[0, 0].item() == pytest.approx((x**2).sum().item() / x.sum().item())
    torch.manual_seed(0)
    assert build(text, (1, 1, 4, 4), training=True)(x)[0, 0] in x


def test_too_many_levels(rejects):
    text = _layer("pyramid_height: 3")
    rejects("a plane of 3x8 does not fill 4x4 bins", "3", text, (1, 1, 3, 8), error=ShapeError)


def test_stochastic_takes_no_padding(rejects):
    text = _layer("pyramid_height: 2 pool: STOCHASTIC")
    rejects("STOCHASTIC takes no padding, which 2x2 bins need", "STOCHASTIC", text, (1, 1, 5, 4))


def test_pyramid_height_is_required(rejects):
    rejects("pyramid_height must be given", "layer", 'type: "SPP"', (1, 1, 4, 4))


def test_not_an_image(rejects):
    rejects("the bottom must be NxCxHxW", '"b0"', _layer("pyramid_height: 1"), (2, 3), error=ShapeError)
