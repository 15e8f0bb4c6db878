import numpy as np
import pytest
import torch


def _layer(param=""):
    return f'type: "ContrastiveNormalization" contrastive_normalization_param {{ {param} }}'


def _reference(x, kernel, threshold):
    """Torch's module: a mean that knows the image's border, then a deviation, place by place."""
    kernel = kernel / (kernel.sum() * x.shape[1])
    pad = len(kernel) // 2

    def estimate(values):
        wide = np.pad(values, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        found = np.empty((len(values), 1, *values.shape[2:]))
        for n, s, t in np.ndindex(len(values), *values.shape[2:]):
            found[n, 0, s, t] = (wide[n, :, s : s + len(kernel), t : t + len(kernel)] * kernel).sum()
        return found

    border = estimate(np.ones_like(x[:1]))
    centred = x - estimate(x) / border
    deviation = np.sqrt(estimate(centred**2)) / border
    return centred / np.where(deviation > threshold, deviation, threshold)


def _gaussian(size, sigma):
    taps = np.exp(-(((np.arange(size) - size // 2) / (sigma * size)) ** 2) / 2)
    return np.outer(taps, taps)


@pytest.mark.parametrize(
    ("param", "kernel"),
    [
        ("", np.ones((9, 9))),
        ("kernel_size: 3", np.ones((3, 3))),
        ("kernel: GAUSSIAN kernel_size: 7", _gaussian(7, 0.25)),
        ("kernel: GAUSSIAN kernel_size: 5 sigma: 0.5", _gaussian(5, 0.5)),
    ],
)
def test_values_and_gradient(build, gradcheck, randn, param, kernel):
    layer, x = build(_layer(param), (2, 3, 6, 7)), randn(2, 3, 6, 7)
    expected = _reference(x.detach().numpy(), kernel, 1e-4)
    np.testing.assert_allclose(layer(x).detach(), expected, atol=1e-5)  # the taps are kept in float32
    gradcheck(layer, x)


def test_where_nothing_varies(build):
    x = torch.full((1, 2, 12, 12), 5.0, requires_grad=True)
    top = build(_layer("kernel_size: 3"), x.shape)(x)
    torch.testing.assert_close(top, torch.zeros_like(top), atol=0.01, rtol=0)
    top.sum().backward()
    assert x.grad.isfinite().all()


def test_a_high_threshold(build, randn):
    x = randn(1, 1, 8, 8)
    found = build(_layer("kernel_size: 3 threshold: 10"), x.shape)(x)
    np.testing.assert_allclose(found.detach(), _reference(x.detach().numpy(), np.ones((3, 3)), 10), atol=1e-6)


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("kernel_size must be odd, not 4", "4", "kernel_size: 4"),
        ("threshold must be more than 0", "0", "threshold: 0"),
        ("sigma must be more than 0", "-1", "sigma: -1"),
    ],
)
def test_refused(rejects, message, marked, param):
    rejects(message, marked, _layer(param), (1, 1, 4, 4))


def test_shapes(rejects):
    rejects("must be NxCxHxW", '"b0"', _layer(), (2, 3))
