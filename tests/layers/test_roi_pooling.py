from math import ceil, floor

import numpy as np
import pytest
import torch

_X = (2, 3, 7, 9)


def _max(h, w, scale=1.0):
    return f'type: "ROIPooling" roi_pooling_param {{ pooled_h: {h} pooled_w: {w} spatial_scale: {scale} }}'


def _mean(outputs, group, scale=1.0):
    param = f"spatial_scale: {scale} output_dim: {outputs} group_size: {group}"
    return f'type: "PSROIPooling" psroi_pooling_param {{ {param} }}'


def _half_away(x):
    return floor(abs(x) + 0.5) * (1 if x >= 0 else -1)


def _cells(start, end, cells, size, whole):
    """The borders of the cells of ROIPooling (whole pixels) or of PSROIPooling, in float32 as in Caffe."""
    f = np.float32
    part = f(f(max(end - start + 1, 1)) / f(cells)) if whole else f(max(f(end - start), f(0.1)) / f(cells))
    for cell in range(cells):
        first, last = f(f(cell) * part), f(f(cell + 1) * part)
        if whole:
            borders = floor(first) + start, ceil(last) + start
        else:
            borders = floor(f(first + f(start))), ceil(f(last + f(start)))
        yield [min(max(border, 0), size) for border in borders]


def _maxima(x, rois, pooled, scale):
    top = np.zeros((len(rois), x.shape[1], *pooled))
    for n, (item, *corners) in enumerate(rois):
        x1, y1, x2, y2 = (_half_away(np.float32(c) * np.float32(scale)) for c in corners)
        for i, (above, below) in enumerate(_cells(y1, y2, pooled[0], x.shape[2], True)):
            for j, (left, right) in enumerate(_cells(x1, x2, pooled[1], x.shape[3], True)):
                cell = x[int(item), :, above:below, left:right]
                top[n, :, i, j] = cell.max((1, 2)) if cell.size else 0
    return top


def _means(x, rois, group, scale):
    outputs = x.shape[1] // group**2
    top = np.zeros((len(rois), outputs, group, group))
    for n, (item, *corners) in enumerate(rois):
        f, scale = np.float32, np.float32(scale)
        x1, y1 = (f(_half_away(c)) * scale for c in corners[:2])
        x2, y2 = (f(_half_away(c) + 1) * scale for c in corners[2:])
        for i, (above, below) in enumerate(_cells(y1, y2, group, x.shape[2], False)):
            for j, (left, right) in enumerate(_cells(x1, x2, group, x.shape[3], False)):
                for d in range(outputs):
                    cell = x[int(item), (d * group + i) * group + j, above:below, left:right]
                    top[n, d, i, j] = cell.mean() if cell.size else 0
    return top


def _regions(rng, count, items, height, width):
    """Regions of all kinds: inside, beyond the borders, upside down, on halves."""
    corners = rng.uniform(-0.4, 1.4, (count, 2, 2)) * [width, height]
    corners = np.where(rng.random((count, 1, 1)) < 0.8, np.sort(corners, 1), corners)
    corners = np.round(corners.reshape(count, 4) * 2) / 2
    return np.concatenate([rng.integers(items, size=(count, 1)), corners], 1).astype(np.float32)


@pytest.mark.parametrize("pooled", [(1, 1), (3, 2), (7, 7), (12, 10)])
@pytest.mark.parametrize("scale", [1.0, 0.5, 0.0625])
def test_maxima(build, rng, pooled, scale):
    rois = _regions(rng, 40, 2, 7 / scale, 9 / scale)
    x = rng.standard_normal(_X)
    layer = build(_max(*pooled, scale), _X, rois.shape)
    top = layer(torch.from_numpy(x), torch.from_numpy(rois))
    assert layer.shapes == [tuple(top.shape)]
    np.testing.assert_array_equal(top, _maxima(x, rois, pooled, scale))


@pytest.mark.parametrize("group", [1, 2, 3])
@pytest.mark.parametrize("scale", [1.0, 0.5, 0.0625])
def test_means(build, rng, group, scale):
    rois = _regions(rng, 40, 2, 7 / scale, 9 / scale)
    x = rng.standard_normal((2, 2 * group**2, 7, 9))
    layer = build(_mean(2, group, scale), x.shape, rois.shape)
    top = layer(torch.from_numpy(x), torch.from_numpy(rois))
    assert layer.shapes == [tuple(top.shape)]
    np.testing.assert_allclose(top, _means(x, rois, group, scale), atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (8, 1), (16, 5)])
def test_planes_of_all_sizes(build, rng, size):
    x, rois = rng.standard_normal((1, 2, *size)), _regions(rng, 30, 1, *size)
    top = build(_max(2, 3), x.shape, rois.shape)(torch.from_numpy(x), torch.from_numpy(rois))
    np.testing.assert_array_equal(top, _maxima(x, rois, (2, 3), 1))


def test_gradients(build, gradcheck, randn, rng):
    rois = torch.from_numpy(_regions(rng, 6, 2, 7, 9))
    gradcheck(build(_max(2, 2), (2, 1, 7, 9), (6, 5)), randn(2, 1, 7, 9), rois)
    gradcheck(build(_mean(1, 2), (2, 4, 7, 9), (6, 5)), randn(2, 4, 7, 9), rois)


def test_among_equals_the_first_takes_the_gradient(build):
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    build(_max(1, 1), (1, 1, 4, 4), (1, 5))(x, torch.tensor([[0.0, 1, 1, 3, 3]])).sum().backward()
    assert x.grad.nonzero().tolist() == [[0, 0, 1, 1]]


def test_an_empty_cell_has_no_gradient(build):
    x = torch.ones(1, 4, 4, 4, requires_grad=True)
    outside = torch.tensor([[0.0, 8, 8, 9, 9]])
    for text in (_max(2, 2), _mean(1, 2)):
        top = build(text, (1, 4, 4, 4), (1, 5))(x, outside)
        top.sum().backward()
        assert not top.any()
        assert not x.grad.any()


def test_regions_need_no_gradient_and_may_have_more_axes(build, rng):
    x, rois = torch.rand(2, 4, 7, 9), torch.from_numpy(_regions(rng, 5, 2, 7, 9)).requires_grad_()
    for text in (_max(2, 2), _mean(1, 2)):
        layer = build(text, x.shape, (5, 5, 1, 1))
        top = layer(x, rois.view(5, 5, 1, 1))
        assert not top.requires_grad
        assert torch.equal(top, layer(x, rois))


def test_another_number_of_regions(build, rng):
    x = torch.rand(_X)
    for text, bottom in ((_max(2, 2), x), (_mean(3, 1), x)):
        layer = build(text, _X, (4, 5))
        assert layer(bottom, torch.from_numpy(_regions(rng, 9, 2, 7, 9))).shape[0] == 9
        assert layer(bottom, torch.empty(0, 5)).shape[0] == 0


def test_sums_keep_their_digits(build):
    x = torch.full((1, 1, 60, 60), 1000.0)
    x[0, 0, 59, 59] = 1000.5
    top = build(_mean(1, 1), x.shape, (1, 5))(x, torch.tensor([[0.0, 59, 59, 59, 59]]))
    assert top.item() == 1000.5


def test_mistakes(rejects):
    rejects(
        "pooled_w must be given",
        "roi_pooling_param",
        'type: "ROIPooling" roi_pooling_param { pooled_h: 2 }',
        _X,
        (4, 5),
    )
    rejects("five numbers", '"b1"', _max(2, 2), _X, (4, 4))
    rejects("must be NxCxHxW", '"b0"', _mean(1, 1), (2, 3), (4, 5))
    rejects("need 8 channels, not 3", '"b0"', _mean(2, 2), _X, (4, 5))
    rejects("output_dim must be given and at least 1", "0", _mean(0, 2), _X, (4, 5))
    rejects("spatial_scale must be given and above 0", "0.0", _mean(3, 1, 0.0), _X, (4, 5))
    rejects("takes 2 bottoms, not 1", "layer", _max(2, 2), _X)
