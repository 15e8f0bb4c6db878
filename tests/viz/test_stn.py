"""The pictures of spatial transformers, held against the formula and against the layer itself."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from netspec import compile_net
from netspec.viz import draw_transformers, save, transformers
from netspec.viz.stn import (
    CAPTION,
    FIRST,
    HEADER,
    LARGEST_CELL,
    LEAST_WIDTH,
    LEGEND,
    OUTLINE,
    RIGHT,
    WIDTH,
    WRONG,
    corners,
)

THETA = [0.5, 0.2, 0.1, -0.3, 0.6, -0.2]


@pytest.fixture
def build(tmp_path):
    """A net that transforms what it is fed, and judges `scores` against `label`."""

    def make(
        shape=(2, 1, 20, 30), *, size="output_H: 10 output_W: 12", fixed="", free=6, judged=False, layers=1
    ):
        batch = shape[0]
        inputs = {"data": shape, "theta": (batch, free)}
        if judged:
            inputs |= {"scores": (batch, 10), "label": (batch,)}
        text = "".join(
            f'layer {{ type: "Input" top: "{name}" input_param {{ shape {{ dim: {list(dims)} }} }} }}'
            for name, dims in inputs.items()
        )
        for index in range(layers):
            text += f'layer {{ name: "st{index}" type: "SpatialTransformer" bottom: "data" bottom: "theta" '
            text += f'top: "seen{index}" st_param {{ {size} {fixed} }} }}'
        if judged:
            text += (
                'layer { name: "judge" type: "Accuracy" bottom: "scores" bottom: "label" top: "accuracy" }'
            )
        file = tmp_path / "net.prototxt"
        file.write_text(text)
        return compile_net(file)

    return make


def near(picture, point, colour):
    """Whether the pixel at a place (x, y) has a colour."""
    x, y = (round(value) for value in point)
    return np.array_equal(picture[y, x], colour)


def on_picture(points, shape, column=0, cell=LARGEST_CELL):
    """Where places in an image lie on the picture: the image fills the middle 74 % of its cell."""
    height, width = shape
    scale = cell * 0.74 / max(height, width)
    left, top = (cell - round(width * scale)) // 2, (cell - round(height * scale)) // 2
    return np.asarray(points) * scale + (left + column * cell - 0.5, top + HEADER - 0.5)


def test_identity_looks_at_the_whole_image():
    identity = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    assert corners(identity, 20, 30).tolist() == [[0, 0], [30, 0], [30, 20], [0, 20]]


def test_corners_by_the_formula():
    a, b, c, d, e, f = THETA
    expected = []
    for row, column in ((-1, -1), (-1, 1), (1, 1), (1, -1)):
        p_h, p_w = a * row + b * column + c, d * row + e * column + f
        expected.append([(p_w + 1) / 2 * 30, (p_h + 1) / 2 * 20])
    np.testing.assert_allclose(corners(np.float32(THETA).reshape(2, 3), 20, 30), expected, rtol=1e-5)


def test_corners_are_where_the_layer_samples(build):
    # An image that holds its own coordinates hands on the positions at which it is sampled.
    height, width = 20, 30
    rows, columns = torch.meshgrid(torch.arange(20.0), torch.arange(30.0), indexing="ij")
    net = build((1, 2, height, width))
    seen = net(data=torch.stack([columns, rows])[None], theta=torch.tensor([THETA]))["seen0"][0].double()
    first, along_row, along_column = (
        seen[:, 0, 0],
        seen[:, 0, 1] - seen[:, 0, 0],
        seen[:, 1, 0] - seen[:, 0, 0],
    )
    expected = [
        first + 12 * right * along_row + 10 * down * along_column
        for down, right in ((0, 0), (0, 1), (1, 1), (1, 0))
    ]
    found = corners(np.float32(THETA).reshape(2, 3), height, width)
    np.testing.assert_allclose(found, torch.stack(expected).numpy(), atol=1e-3)


def test_dots_lie_where_the_formula_says(build):
    net = build()
    theta = torch.tensor([THETA, [0.4, 0.0, 0.2, 0.0, 0.5, -0.3]])
    picture = draw_transformers(net, {"data": torch.rand(2, 1, 20, 30), "theta": theta})
    for column, matrix in enumerate(theta.reshape(2, 2, 3).numpy()):
        first, *others = on_picture(corners(matrix, 20, 30), (20, 30), column)
        assert near(picture, first, FIRST)
        assert all(near(picture, point, OUTLINE) for point in others)


def test_fixed_entries_count(build):
    net = build(fixed="theta_1_1: 0.5 theta_1_2: 0.2 theta_2_1: -0.3 theta_2_2: 0.6", free=2)
    picture = draw_transformers(
        net, {"data": torch.rand(2, 1, 20, 30), "theta": torch.tensor([[0.1, -0.2]] * 2)}
    )
    first, *_ = on_picture(corners(np.float32(THETA).reshape(2, 3), 20, 30), (20, 30))
    assert near(picture, first, FIRST)


def test_the_lower_row_is_what_the_layer_hands_on(build):
    net = build((1, 1, 16, 16), size="output_H: 16 output_W: 16")
    data = torch.zeros(1, 1, 16, 16)
    data[..., 2:6, 9:13] = 1
    shift = torch.tensor([[1, 0, 0.5, 0, 1, -0.25]])  # looks 4 rows down and 2 columns left
    picture = draw_transformers(net, {"data": data, "theta": shift})
    lower = picture[HEADER + LARGEST_CELL :]
    scale, margin = LARGEST_CELL * 0.74 / 16, round(LARGEST_CELL * 0.13)
    # The block came from rows 2-5, of which the transformer sees 4 and 5, as its rows 0 and 1.
    assert lower[margin + round(1 * scale), margin + round(13 * scale)].min() > 240
    assert lower[margin + round(4 * scale), margin + round(13 * scale)].max() < 15


def test_colours_stay_in_their_order(build):
    net = build((1, 3, 16, 16))
    blue = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1).expand(1, 3, 16, 16)
    picture = draw_transformers(net, {"data": blue, "theta": torch.tensor([[0.1, 0, 0, 0, 0.1, 0]])})
    assert picture[HEADER + LARGEST_CELL // 2 + 60, LARGEST_CELL // 2].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (-2.0, 3.0), (0.0, 0.004)])
def test_any_range_of_values_fills_black_to_white(build, low, high):
    net = build((1, 1, 16, 16))
    data = torch.full((1, 1, 16, 16), low)
    data[..., 8:] = high
    picture = draw_transformers(net, {"data": data, "theta": torch.tensor([[0.1, 0, 0, 0, 0.1, 0]])})
    row = HEADER + LARGEST_CELL // 2 + 60
    assert picture[row, 60].tolist() == [0, 0, 0]
    assert picture[row, LARGEST_CELL - 60].tolist() == [255, 255, 255]


def test_verdicts_are_green_and_red(build):
    net = build(judged=True)
    feeds = {"data": torch.rand(2, 1, 20, 30), "theta": torch.tensor([THETA] * 2)}
    picture = draw_transformers(
        net, {**feeds, "scores": torch.eye(10)[[3, 4]], "label": torch.tensor([3, 7])}
    )
    captions = picture[HEADER + 2 * LARGEST_CELL :][:CAPTION]
    colours = [
        {tuple(pixel) for pixel in half.reshape(-1, 3)}
        for half in (captions[:, :LARGEST_CELL], captions[:, LARGEST_CELL:])
    ]
    assert RIGHT in colours[0]
    assert WRONG not in colours[0]
    assert WRONG in colours[1]
    assert RIGHT not in colours[1]


def test_size_of_the_picture(build):
    feeds = {"data": torch.rand(12, 1, 20, 30), "theta": torch.tensor([THETA] * 12)}
    cell = WIDTH // 8
    assert draw_transformers(build((12, 1, 20, 30)), feeds).shape == (
        HEADER + 2 * cell + CAPTION + LEGEND,
        WIDTH,
        3,
    )
    two = draw_transformers(build((12, 1, 20, 30), layers=2), feeds, count=3)
    assert two.shape == (2 * (HEADER + 2 * LARGEST_CELL + CAPTION) + LEGEND, LEAST_WIDTH, 3)
    assert two.dtype == np.uint8


def test_a_wild_theta_is_drawn_too(build):
    wild = torch.tensor([[1e20, 0, 0, 0, -1e20, 0], [0, 0, 0, 0, 0, 0]])
    assert draw_transformers(build(), {"data": torch.rand(2, 1, 20, 30), "theta": wild}).any()


def test_a_net_without_transformer(tmp_path):
    file = tmp_path / "net.prototxt"
    file.write_text('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }')
    net = compile_net(file)
    assert transformers(net) == []
    with pytest.raises(ValueError, match="no spatial transformer"):
        draw_transformers(net, {"x": torch.zeros(1)})


def test_saved_as_it_is(build, tmp_path):
    picture = draw_transformers(
        build(), {"data": torch.rand(2, 1, 20, 30), "theta": torch.tensor([THETA] * 2)}
    )
    save(picture, tmp_path / "ü.png")
    read = cv2.imdecode(np.frombuffer((tmp_path / "ü.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(read, picture)
