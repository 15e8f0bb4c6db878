import numpy as np
import pytest

from netspec.errors import ShapeError


def _layer(param):
    return f'type: "Interp" interp_param {{ {param} }}'


def _reference(x, height, width):
    def places(size, new):
        for i in range(new):
            at = i * (size - 1) / (new - 1) if new > 1 else 0
            low = min(int(at), max(size - 2, 0))
            yield low, min(low + 1, size - 1), at - low

    y = np.empty((*x.shape[:2], height, width))
    for i, (top, bottom, v) in enumerate(places(x.shape[2], height)):
        for j, (left, right, u) in enumerate(places(x.shape[3], width)):
            upper = (1 - u) * x[:, :, top, left] + u * x[:, :, top, right]
            lower = (1 - u) * x[:, :, bottom, left] + u * x[:, :, bottom, right]
            y[:, :, i, j] = (1 - v) * upper + v * lower
    return y


@pytest.mark.parametrize(
    ("param", "crop", "size"),
    [
        ("height: 9 width: 4", (0, 0), (9, 4)),
        ("height: 1 width: 1", (0, 0), (1, 1)),
        ("height: 5 width: 7", (0, 0), (5, 7)),
        ("zoom_factor: 3", (0, 0), (13, 19)),
        ("shrink_factor: 2", (0, 0), (3, 4)),
        ("shrink_factor: 3 zoom_factor: 2", (0, 0), (3, 5)),
        ("shrink_factor: 3 height: 6 width: 6", (0, 0), (2, 3)),  # one factor comes before the sizes
        ("shrink_factor: 3 zoom_factor: 2 height: 6 width: 8", (0, 0), (6, 8)),  # both come after them
        ("zoom_factor: 2 pad_beg: -1 pad_end: -2", (1, 2), (3, 7)),
        ("height: 2 width: 4 pad_beg: -3", (3, 0), (2, 4)),
    ],
)
def test_values_and_gradient(build, gradcheck, randn, param, crop, size):
    layer, x = build(_layer(param), (2, 2, 5, 7)), randn(2, 2, 5, 7)
    inside = x.detach().numpy()[:, :, crop[0] : 5 - crop[1], crop[0] : 7 - crop[1]]
    np.testing.assert_allclose(layer(x).detach(), _reference(inside, *size), rtol=1e-9, atol=1e-12)
    gradcheck(layer, x)
    assert layer.shapes == [(2, 2, *size)]


@pytest.mark.parametrize("param", ["", "height: 4"])
def test_a_size_is_required(rejects, param):
    message = "takes height and width, zoom_factor or shrink_factor"
    rejects(message, "interp_param", _layer(param), (1, 1, 4, 4))


@pytest.mark.parametrize("param", ["height: 0 width: 3", "width: 3 height: -1", "zoom_factor: 0"])
def test_sizes_are_positive(rejects, param):
    wrong = param.split()[-1] if param.startswith(("width", "zoom")) else "0"
    rejects(f"must be at least 1, not {wrong}", wrong, _layer(param), (1, 1, 4, 4))


def test_padding_only_crops(rejects):
    rejects("pad_end only crops", "1", _layer("zoom_factor: 2 pad_end: 1"), (1, 1, 4, 4))


def test_nothing_is_left(rejects):
    text = _layer("zoom_factor: 2 pad_beg: -4")
    rejects("pad_beg and pad_end leave 0x2", "interp_param", text, (1, 1, 4, 6), error=ShapeError)


def test_not_an_image(rejects):
    rejects("the bottom must be NxCxHxW", '"b0"', _layer("zoom_factor: 2"), (2, 3), error=ShapeError)
