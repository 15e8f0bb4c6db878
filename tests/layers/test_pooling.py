from math import ceil, floor

import numpy as np
import pytest
import torch

_LOWEST = np.finfo(np.float32).min


def _layer(param):
    return f'type: "Pooling" pooling_param {{ {param} }}'


def _sizes(shape, kernel, stride, pad, rounded):
    sizes = []
    for size, k, s, p in zip(shape, kernel, stride, pad, strict=True):
        count = int(rounded((size + 2 * p - k) / s)) + 1
        if any(pad) and (count - 1) * s >= size + p:
            count -= 1
        sizes.append(count)
    return sizes


def _reference(x, kernel, stride, pad, rounded, average):
    """Pooled values and, for the maximum, where it stood, window by window."""
    h, w = x.shape[2:]
    sizes = _sizes((h, w), kernel, stride, pad, rounded)
    y, mask = np.zeros((*x.shape[:2], *sizes)), np.zeros((*x.shape[:2], *sizes))
    for i, j in np.ndindex(*sizes):
        top, left = i * stride[0] - pad[0], j * stride[1] - pad[1]
        area = (min(top + kernel[0], h + pad[0]) - top) * (min(left + kernel[1], w + pad[1]) - left)
        rows, columns = (
            range(max(top, 0), min(top + kernel[0], h)),
            range(max(left, 0), min(left + kernel[1], w)),
        )
        for n, c in np.ndindex(*x.shape[:2]):
            inside = [(x[n, c, a, b], -(a * w + b)) for a in rows for b in columns]
            if average:
                y[n, c, i, j] = sum(value for value, _ in inside) / area if inside else 0
            else:
                y[n, c, i, j], place = max(inside, default=(_LOWEST, 0))
                mask[n, c, i, j] = -place
    return y, mask


_WINDOWS = [
    ("kernel_size: 2 stride: 2", (2, 2), (2, 2), (0, 0)),
    ("kernel_size: 3 stride: 2", (3, 3), (2, 2), (0, 0)),
    ("kernel_size: 3 stride: 2 pad: 1", (3, 3), (2, 2), (1, 1)),
    ("kernel_h: 2 kernel_w: 4 stride_h: 1 stride_w: 3", (2, 4), (1, 3), (0, 0)),
    ("kernel_size: 4 pad_h: 1 pad_w: 2 stride: 3", (4, 4), (3, 3), (1, 2)),
    ("kernel_size: 3 stride: 2 pad: 2", (3, 3), (2, 2), (2, 2)),  # torch pads by half the kernel at most
    ("kernel_size: 3 stride: 3 pad_h: 2 pad_w: 0", (3, 3), (3, 3), (2, 0)),
]


@pytest.mark.parametrize("mode", ["CEIL", "FLOOR"])
@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize(("param", "kernel", "stride", "pad"), _WINDOWS)
def test_values_and_gradient(build, gradcheck, randn, param, kernel, stride, pad, method, mode):
    text = _layer(f"pool: {method} round_mode: {mode} {param}")
    layer, x = build(text, (2, 2, 7, 8), tops=1 + (method == "MAX")), randn(2, 2, 7, 8)
    rounded = ceil if mode == "CEIL" else floor
    y, mask = _reference(x.detach().numpy(), kernel, stride, pad, rounded, method == "AVE")
    top, *masks = layer(x) if method == "MAX" else (layer(x),)
    np.testing.assert_allclose(top.detach(), y, rtol=1e-12, atol=1e-15)
    for found in masks:
        np.testing.assert_array_equal(found, mask)
    assert layer.shapes == [y.shape] * (1 + len(masks))
    gradcheck(layer, x)


def test_a_kernel_larger_than_the_bottom_has_a_window_where_rounding_up_gives_one(build):
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert build(_layer("kernel_size: 4 stride: 3"), (1, 1, 2, 3))(x).tolist() == [[[[5]]]]
    assert build(_layer("pool: AVE kernel_size: 4 stride: 3"), (1, 1, 2, 3))(x).tolist() == [[[[2.5]]]]


@pytest.mark.parametrize(("method", "expected"), [("MAX", _LOWEST), ("AVE", 0)])
def test_a_window_without_input(build, method, expected):
    layer = build(_layer(f"pool: {method} kernel_size: 1 stride: 3"), (1, 1, 1, 5))
    x = torch.arange(5.0, requires_grad=True)
    y = layer(x.reshape(1, 1, 1, 5))
    assert y.flatten().tolist() == [0, 3, expected]
    y[..., :2].sum().backward()
    assert x.grad.tolist() == [1, 0, 0, 1, 0]


def test_the_mask_of_a_window_without_input(build):
    layer = build(_layer("kernel_size: 1 stride: 3"), (1, 1, 5, 5), tops=2)
    assert layer(torch.ones(1, 1, 5, 5))[1].tolist() == [[[[0, 3, -1], [15, 18, -1], [-1, -1, -1]]]]


@pytest.mark.parametrize(("method", "reduce"), [("MAX", np.max), ("AVE", np.mean)])
def test_global_pooling(build, gradcheck, randn, method, reduce):
    layer, x = build(_layer(f"pool: {method} global_pooling: true"), (2, 3, 4, 5)), randn(2, 3, 4, 5)
    np.testing.assert_allclose(layer(x).detach(), reduce(x.detach().numpy(), axis=(2, 3), keepdims=True))
    gradcheck(layer, x)
    assert layer(torch.ones(1, 3, 9, 9)).shape == (1, 3, 1, 1)


def test_the_first_of_equal_maxima_counts(build):
    layer = build(_layer("kernel_size: 2 stride: 2"), (1, 1, 2, 4), tops=2)
    assert layer(torch.ones(1, 1, 2, 4))[1].flatten().tolist() == [0, 2]


def test_the_mask_is_exact_in_half_precision(build):
    layer = build(_layer("kernel_size: 1"), (1, 1, 20, 20), tops=2)
    assert layer(torch.ones(1, 1, 20, 20, dtype=torch.bfloat16))[1].flatten().tolist() == list(range(400))


def test_stochastic_takes_elements_by_their_value(build):
    layer = build(_layer("pool: STOCHASTIC kernel_size: 2 stride: 2"), (1000, 1, 2, 3), training=True)
    torch.manual_seed(0)
    x = torch.tensor([[1.0, 3.0, 5.0], [0.0, 0.0, 5.0]]).expand(1000, 1, 2, 3).clone().requires_grad_()
    y = layer(x)
    assert y.shape == (1000, 1, 1, 2)
    drawn, certain = y[..., 0], y[..., 1]
    assert set(drawn.unique().tolist()) == {1, 3}
    assert (drawn == 3).float().mean().item() == pytest.approx(0.75, abs=0.05)
    assert (certain == 5).all()
    drawn.sum().backward()
    assert torch.equal(x.grad[:, :, 0, 1], (drawn[:, :, 0] == 3).float())
    assert x.grad.sum() == 1000


def test_stochastic_in_test_takes_the_expectation(build, gradcheck):
    layer = build(_layer("pool: STOCHASTIC kernel_size: 2 stride: 2"), (1, 1, 4, 3))
    x = torch.rand(1, 1, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
    values = x[0, 0].numpy()
    windows = [values[i : i + 2, j : j + 2] for i in (0, 2) for j in (0, 2)]
    expected = [(window**2).sum() / window.sum() for window in windows]
    np.testing.assert_allclose(layer(x).flatten(), expected)
    gradcheck(layer, x.requires_grad_())
    assert layer(torch.zeros(1, 1, 4, 3)).eq(0).all()


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("kernel_size must be given", "pooling_param", "pool: MAX"),
        ("kernel_size must be given", "0", "kernel_size: 0"),
        ("stride must be at least 1", "0", "kernel_size: 2 stride: 0"),
        ("takes either kernel_size, or kernel_h and kernel_w", "3", "kernel_size: 2 kernel_h: 3 kernel_w: 3"),
        ("takes either kernel_size, or kernel_h and kernel_w", "3", "kernel_h: 3"),
        ("takes either pad, or pad_h and pad_w", "1", "kernel_size: 2 pad_w: 1"),
        ("pad must be smaller than kernel_size", "2", "kernel_size: 2 pad: 2"),
        ("STOCHASTIC takes no pad", "1", "pool: STOCHASTIC kernel_size: 2 pad: 1"),
        ("global_pooling leaves no choice of kernel_size", "2", "global_pooling: true kernel_size: 2"),
        ("global_pooling leaves no choice of stride", "2", "global_pooling: true stride: 2"),
        ("kernel 9x9 is larger than the padded bottom, ", "9", "kernel_size: 9"),
    ],
)
def test_refused(rejects, message, marked, param):
    rejects(message, marked, _layer(param), (1, 1, 4, 5))


def test_average_has_no_mask(rejects):
    rejects(
        "only pool MAX has a second top", '"t1"', _layer("pool: AVE kernel_size: 2"), (1, 1, 4, 4), tops=2
    )


def test_four_axes(rejects):
    rejects("on b0 2x3: the bottom must be NxCxHxW", '"b0"', _layer("kernel_size: 2"), (2, 3))


def test_torch_pooling_rounds_down(build, randn):
    x, param = randn(1, 2, 6, 7), "kernel_size: 3 stride: 2"
    floor_mode, torch_mode = (
        build(_layer(f"{param} {extra}"), x.shape) for extra in ("round_mode: FLOOR", "torch_pooling: true")
    )
    assert torch_mode.shapes == floor_mode.shapes == [(1, 2, 2, 3)]
    assert build(_layer(param), x.shape).shapes == [(1, 2, 3, 3)]
    assert torch.equal(torch_mode(x), floor_mode(x))


@pytest.mark.parametrize("method", ["MAX", "AVE", "STOCHASTIC"])
def test_a_stride_beyond_all_bounds_costs_no_memory(build, randn, method):
    x = randn(1, 2, 5, 7)
    huge, large = (
        build(_layer(f"pool: {method} kernel_size: 2 stride: {stride}"), (1, 2, 5, 7))(x)
        for stride in (2**31 - 1, 20)
    )
    assert huge.shape == (1, 2, 2, 2)
    assert torch.equal(huge, large)


@pytest.mark.parametrize("field", ["kernel_size", "stride"])
def test_what_pytorch_cannot_count(rejects, field):
    other = "stride" if field == "kernel_size" else "kernel_size"
    text = _layer(f"{other}: 2 {field}: 4294967295")
    rejects(f"{field} must be at most 2147483647", "4294967295", text, (1, 2, 5, 7))
