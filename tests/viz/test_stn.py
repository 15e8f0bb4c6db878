"""The pictures of spatial transformers, held against the formula and against the layer itself."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from netspec import compile_net
from netspec.viz.stn import (
    CAPTION,
    DOT,
    FIRST,
    HEADER,
    LABEL,
    LARGEST_CELL,
    LEGEND,
    MARGIN,
    OUTLINE,
    TITLE,
    WIDTH,
    draw_observation,
    draw_strip,
    draw_transformers,
    joined,
    observe,
    outlines,
    pages,
    save,
    transformers,
)

THETA = [0.5, 0.2, 0.1, -0.3, 0.6, -0.2]


def corners(theta, height, width):
    """By the formula: theta takes -1 and 1, row first; (p + 1) / 2 of the size is the place, as (x, y)."""
    ends = [(-1, -1, 1), (-1, 1, 1), (1, 1, 1), (1, -1, 1)]
    places = [np.asarray(theta, np.float64).reshape(2, 3) @ end for end in ends]
    return np.array([((column + 1) / 2 * width, (row + 1) / 2 * height) for row, column in places])


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


def ringed(picture, point):
    """Whether the first corner's colour is around a place (x, y)."""
    x, y = (round(value) for value in point)
    patch = picture[y - 7 : y + 8, x - 7 : x + 8].astype(int)
    return bool((np.abs(patch - FIRST).sum(2) < 40).sum() > 10)


def on_picture(points, shape, column=0, cell=LARGEST_CELL):
    """Where places in an image lie on a picture: the image is in the middle of the left cell of a pair."""
    height, width = shape
    scale = cell * (1 - 2 * MARGIN) / max(height, width)
    left, top = (cell - round(width * scale)) // 2, (cell - round(height * scale)) // 2
    return np.asarray(points) * scale + (left + 2 * column * cell - 0.5, top + HEADER - 0.5)


def outline(net, theta, height, width):
    """The corners that the code finds for one theta, and the points between them."""
    layer = net.graph.nodes[-1].layer
    (found,) = outlines(layer, torch.tensor([theta]), height, width)
    return found[:: len(found) // 4], found


def test_identity_looks_at_the_whole_image(build):
    found, _ = outline(build(), [1.0, 0, 0, 0, 1, 0], 20, 30)
    assert found.tolist() == [[0, 0], [30, 0], [30, 20], [0, 20]]


def test_corners_by_the_formula(build):
    np.testing.assert_allclose(outline(build(), THETA, 20, 30)[0], corners(THETA, 20, 30), rtol=1e-5)


@pytest.mark.parametrize(("grid", "inset"), [("HALF_PIXEL", 0), ("ALIGNED", 0.5)])
def test_other_grids_and_orders(build, grid, inset):
    swapped = [THETA[index] for index in (4, 3, 5, 1, 0, 2)]  # the same map, columns first
    found, _ = outline(build(fixed=f"grid: {grid} order: COLUMN_FIRST"), swapped, 20, 30)
    size = np.array([30, 20])
    expected = corners(THETA, 20, 30) / size * (size - 2 * inset) + inset
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_edges_are_straight_unless_a_spline_bends_them(build):
    _, straight = outline(build(), THETA, 20, 30)
    edge = straight[: len(straight) // 4]
    np.testing.assert_allclose(np.diff(edge, 2, axis=0), 0, atol=1e-4)
    bent = [0.0] * 9 + [0, 0.3, 0, 0, 0, 0, 0, 0, 0]  # the middle of the upper edge moves to the right
    spline = build(fixed='transform_type: "tps" control_points: 3', free=18)
    found, points = outline(spline, bent, 20, 30)
    np.testing.assert_allclose(found, [[0, 0], [30, 0], [30, 20], [0, 20]], atol=1e-4)
    np.testing.assert_allclose(points[len(points) // 8], [15 * 1.3, 0], atol=1e-4)


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
    found, _ = outline(net, THETA, height, width)
    np.testing.assert_allclose(found, torch.stack(expected).numpy(), atol=1e-3)


def test_white_dots_lie_where_the_formula_says(build):
    net = build()
    theta = torch.tensor([THETA, [0.4, 0.0, 0.2, 0.0, 0.5, -0.3]])
    picture = draw_transformers(net, {"data": torch.zeros(2, 1, 20, 30), "theta": theta})
    for column, matrix in enumerate(theta.reshape(2, 2, 3).numpy()):
        places = on_picture(corners(matrix, 20, 30), (20, 30), column)
        assert all(near(picture, place, DOT) for place in places)
        edges = (places + np.roll(places, -1, axis=0)) / 2
        assert all(near(picture, place, OUTLINE) for place in edges)
        rings = [ringed(picture, place) for place in places]
        assert rings == [True, False, False, False]  # the first is the top left of what is handed on


def test_each_corner_has_a_dot_and_nothing_else_has(build):
    net = build((1, 1, 24, 24))
    data = torch.full((1, 1, 24, 24), 0.0)
    data[..., 0, 0] = 1  # so that the range is not empty
    theta = torch.tensor([[0.5, 0.1, 0.1, -0.1, 0.5, -0.1]])
    picture = draw_transformers(net, {"data": data, "theta": theta})
    image = picture[HEADER + 50 : HEADER + LARGEST_CELL - 50, 50 : LARGEST_CELL - 50]
    white = np.all(image == DOT, axis=2).astype(np.uint8)
    count, _, _, centres = cv2.connectedComponentsWithStats(white)
    places = on_picture(corners(theta[0].numpy(), 24, 24), (24, 24)) - (50, HEADER + 50)
    found = sorted(map(tuple, centres[1:].round().tolist()))
    assert count - 1 == 4
    np.testing.assert_allclose(found, sorted(map(tuple, places)), atol=1)


def test_fixed_entries_count(build):
    net = build(fixed="theta_1_1: 0.5 theta_1_2: 0.2 theta_2_1: -0.3 theta_2_2: 0.6", free=2)
    picture = draw_transformers(
        net, {"data": torch.zeros(2, 1, 20, 30), "theta": torch.tensor([[0.1, -0.2]] * 2)}
    )
    for place in on_picture(corners(np.float32(THETA).reshape(2, 3), 20, 30), (20, 30)):
        assert near(picture, place, DOT)


def test_right_is_what_the_layer_hands_on(build):
    net = build((1, 1, 16, 16), size="output_H: 16 output_W: 16")
    data = torch.zeros(1, 1, 16, 16)
    data[..., 2:6, 9:13] = 1
    shift = torch.tensor([[1, 0, 0.5, 0, 1, -0.25]])  # looks 4 rows down and 2 columns left
    picture = draw_transformers(net, {"data": data, "theta": shift})
    right = picture[HEADER:, LARGEST_CELL:]
    scale, margin = LARGEST_CELL * (1 - 2 * MARGIN) / 16, round(LARGEST_CELL * MARGIN)
    # The block came from rows 2-5, of which the transformer sees 4 and 5, as its rows 0 and 1.
    assert right[margin + round(1 * scale), margin + round(13 * scale)].min() > 240
    assert right[margin + round(4 * scale), margin + round(13 * scale)].max() < 15


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
    seen = observe(net, {**feeds, "scores": torch.eye(10)[[3, 4]], "label": torch.tensor([3, 7])})
    assert [(verdict.said, verdict.truth) for verdict in seen.verdicts] == [("3", "3"), ("4", "7")]
    captions = draw_observation(seen)[HEADER + LARGEST_CELL :][:CAPTION].astype(int)
    right, wrong = captions[:, : WIDTH // 2], captions[:, WIDTH // 2 :]
    green, red = ((half[..., 1] - half[..., 2]) for half in (right, wrong))  # BGR
    assert (green.max(), green.min()) > (60, -1)
    assert red.min() < -60
    assert red.max() < 60


def test_size_of_the_picture(build):
    feeds = {"data": torch.rand(12, 1, 20, 30), "theta": torch.tensor([THETA] * 12)}
    cell = WIDTH // 6  # nine pairs in three rows
    whole = draw_transformers(build((12, 1, 20, 30)), feeds)
    assert whole.shape == (HEADER + 3 * (cell + CAPTION) + LEGEND, WIDTH, 3)
    two = draw_transformers(build((12, 1, 20, 30), layers=2), feeds, count=2)
    assert two.shape == (2 * (HEADER + LARGEST_CELL + CAPTION) + LEGEND, 4 * LARGEST_CELL, 3)
    assert two.dtype == np.uint8


def test_a_wild_theta_is_drawn_too(build):
    wild = torch.tensor([[1e20, 0, 0, 0, -1e20, 0], [float("nan"), 0, 0, 0, 0, 0]])
    assert draw_transformers(build(), {"data": torch.rand(2, 1, 20, 30), "theta": wild}).any()


def test_a_net_without_transformer(tmp_path):
    file = tmp_path / "net.prototxt"
    file.write_text('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }')
    net = compile_net(file)
    assert transformers(net) == []
    with pytest.raises(ValueError, match="no spatial transformer"):
        draw_transformers(net, {"x": torch.zeros(1)})


def test_what_was_fed_can_be_fed_again(build):
    net = build()
    feeds = {"data": torch.rand(2, 1, 20, 30), "theta": torch.tensor([THETA] * 2)}
    seen = observe(net, feeds)
    assert seen.feeds.keys() == feeds.keys()
    again = observe(net, seen.feeds)
    assert np.array_equal(again.glances[0].tops, seen.glances[0].tops)


def test_items_of_several_batches_make_pages(build):
    net = build(layers=2)
    batches = [
        observe(net, {"data": torch.full((2, 1, 20, 30), float(n)), "theta": torch.tensor([THETA] * 2)})
        for n in range(4)
    ]
    assert [len(page) for page in pages(batches, 3)] == [3, 3, 2]
    second = list(pages(batches, 3))[1]
    assert [glance.images[:, 0, 0, 0].tolist() for glance in second.glances] == [[1, 2, 2]] * 2
    assert [len(page) for page in pages(batches, 1)] == [1] * 8
    only = joined(batches).of(["st1"]).part(slice(5))
    assert [glance.layer for glance in only.glances] == ["st1"]
    assert len(only) == 5


def test_a_strip_has_a_row_for_each_time(build):
    net = build()
    data = torch.zeros(2, 1, 20, 30)
    rows = [
        (str(shift), observe(net, {"data": data, "theta": torch.tensor([[0.4, 0, shift, 0, 0.4, 0]] * 2)}))
        for shift in (-0.3, 0.0, 0.3)
    ]
    picture = draw_strip(rows, column="iteration")
    cell = (WIDTH - LABEL) // 4
    assert picture.shape == (HEADER + 3 * cell + LEGEND, LABEL + 4 * cell, 3)
    for row, shift in enumerate((-0.3, 0.0, 0.3)):
        places = on_picture(corners([0.4, 0, shift, 0, 0.4, 0], 20, 30), (20, 30), cell=cell)
        assert all(near(picture, place + np.array([LABEL, row * cell]), DOT) for place in places)


def test_a_title_stands_above(build):
    seen = observe(build(), {"data": torch.rand(2, 1, 20, 30), "theta": torch.tensor([THETA] * 2)})
    plain, titled = draw_observation(seen), draw_observation(seen, title="iteration 50")
    assert np.array_equal(titled[TITLE:], plain)
    assert titled[:TITLE].min() < 100


def test_saved_as_it_is(build, tmp_path):
    picture = draw_transformers(
        build(), {"data": torch.rand(2, 1, 20, 30), "theta": torch.tensor([THETA] * 2)}
    )
    save(picture, tmp_path / "ü.png")
    read = cv2.imdecode(np.frombuffer((tmp_path / "ü.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(read, picture)
