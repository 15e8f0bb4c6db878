import numpy as np
import pytest

from netspec.errors import ShapeError


def _layer(param):
    return f'type: "LRN" lrn_param {{ {param} }}'


def _reference(x, size, alpha, beta, k, within):
    y, pad = np.empty_like(x), (size // 2,) * 2
    padded = np.pad(x**2, [(0, 0), (0, 0), pad, pad] if within else [(0, 0), pad, (0, 0), (0, 0)])
    for n, c, i, j in np.ndindex(*x.shape):
        if within:
            squares, count = padded[n, c, i : i + size, j : j + size], size**2
        else:
            squares, count = padded[n, c : c + size, i, j], size
        y[n, c, i, j] = x[n, c, i, j] / (k + alpha * sum(squares.flat) / count) ** beta
    return y


@pytest.mark.parametrize(
    ("param", "size", "alpha", "beta", "k"),
    [
        ("", 5, 1, 0.75, 1),
        ("local_size: 3 alpha: 0.5 beta: 0.5 k: 2", 3, 0.5, 0.5, 2),
        ("local_size: 1", 1, 1, 0.75, 1),
        ("local_size: 9 alpha: 2 beta: 0.75", 9, 2, 0.75, 1),  # wider than the bottom
    ],
)
@pytest.mark.parametrize("within", [False, True])
def test_values_and_gradient(build, gradcheck, randn, param, size, alpha, beta, k, within):
    region = "WITHIN_CHANNEL" if within else "ACROSS_CHANNELS"
    layer, x = build(_layer(f"{param} norm_region: {region}"), (2, 6, 4, 3)), randn(2, 6, 4, 3)
    expected = _reference(x.detach().numpy(), size, alpha, beta, 1 if within else k, within)
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-9)
    gradcheck(layer, x)
    assert layer.shapes == [(2, 6, 4, 3)]


@pytest.mark.parametrize("region", ["WITHIN_CHANNEL", "ACROSS_CHANNELS"])
def test_even_size(rejects, region):
    rejects("must be odd, not 4", "4", _layer(f"local_size: 4 norm_region: {region}"), (2, 3, 4, 4))


def test_not_an_image(rejects):
    rejects("b0 2x3: the bottom must be NxCxHxW", '"b0"', _layer(""), (2, 3), error=ShapeError)


def test_a_size_beyond_all_bounds(rejects):
    rejects(
        "local_size must be at most 2147483647", "4294967295", _layer("local_size: 4294967295"), (2, 3, 4, 4)
    )
