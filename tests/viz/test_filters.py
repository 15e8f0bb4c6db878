import numpy as np
import pytest

from netspec.viz.filters import HEADER, MARGIN, WIDTH, draw_filters


def pixel(picture, row, column, cell, y=0.5, x=0.5, gap=4):
    """The colour in a cell at a share of its height and width."""
    return picture[
        HEADER + 1 + row * (cell + gap) + int(y * cell), MARGIN + 1 + column * (cell + gap) + int(x * cell)
    ].astype(int)


def test_negative_is_blue_and_positive_is_red():
    weight = np.zeros((2, 1, 3, 3), np.float32)
    weight[0, 0, 0, 0], weight[1, 0, 2, 2] = -2, 2
    picture = draw_filters(weight, "conv1")
    blue, nothing = pixel(picture, 0, 0, 96, 0.1, 0.1), pixel(picture, 0, 0, 96)
    red = pixel(picture, 0, 1, 96, 0.9, 0.9)
    assert blue[0] - blue[2] > 100
    assert red[2] - red[0] > 100
    assert nothing.min() == nothing.max() > 245


def test_filters_of_three_channels_are_images():
    weight = np.zeros((4, 3, 2, 2), np.float32)
    weight[1, 0] = 5  # blue comes first
    weight[2, 2] = 0.01  # stretched, however faint
    picture = draw_filters(weight, "conv1")
    assert pixel(picture, 0, 1, 96).tolist() == [255, 0, 0]
    assert pixel(picture, 0, 2, 96).tolist() == [0, 0, 255]


def test_a_row_for_each_filter_of_many_channels():
    weight = np.zeros((5, 16, 3, 3), np.float32)
    weight[3, 7] = 1
    picture = draw_filters(weight, "conv2")
    assert pixel(picture, 3, 7, 48)[0] < 100
    assert pixel(picture, 3, 6, 48)[0] > 240


def test_means():
    weight = np.ones((4, 16, 3, 3), np.float32)
    weight[1] *= -1
    picture = draw_filters(weight, "conv2", means=True)
    assert (pixel(picture, 0, 0, 96)[2] > 150, pixel(picture, 0, 1, 96)[0] > 150) == (True, True)


@pytest.mark.parametrize(
    "shape",
    [(256, 512, 3, 3), (1000, 4096), (3, 2), (64, 128, 1, 1), (1, 1, 5, 3), (2048, 3, 5, 5), (7, 2, 1, 9)],
)
def test_any_shape_fits(shape):
    picture = draw_filters(np.random.default_rng(0).normal(size=shape).astype(np.float32), "layer")
    assert picture.shape[1] <= WIDTH
    assert picture.shape[0] < 6000
    assert picture.dtype == np.uint8


def test_so_many_filters():
    weight = np.random.default_rng(0).normal(size=(64, 16, 3, 3)).astype(np.float32)
    heights = [len(draw_filters(weight, "conv", count=count)) for count in (1, 2, 5)]
    assert heights[1] - heights[0] == (heights[2] - heights[1]) / 3 == 52


def test_numbers_that_are_none():
    weight = np.full((2, 1, 3, 3), np.nan, np.float32)
    weight[0] = 0
    assert draw_filters(weight, "conv").shape[0] > HEADER
