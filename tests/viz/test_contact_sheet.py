"""A sheet of images."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.viz.contact_sheet import CAPTION, CELL, HEADER, draw_contact_sheet


def cell(sheet, row, column):
    top, left = HEADER + row * (CELL + CAPTION), column * CELL
    return sheet[top : top + CELL, left : left + CELL]


def test_images_stand_in_rows_in_their_order():
    shades = [np.full((1, 10, 10), 20 * number, np.uint8) for number in range(10)]
    sheet = draw_contact_sheet("t", shades, [""] * 10)
    assert sheet.shape == (HEADER + 3 * (CELL + CAPTION), 4 * CELL, 3)
    middles = [cell(sheet, *divmod(number, 4))[CELL // 2, CELL // 2].tolist() for number in range(10)]
    assert middles == [[20 * number] * 3 for number in range(10)]
    assert (cell(sheet, 2, 3) == 255).all()


def test_colours_are_bgr_and_small_images_are_magnified_by_whole_factors():
    image = np.zeros((3, 9, 30), np.uint8)
    image[0] = 200
    sheet = draw_contact_sheet("t", [image], [""])
    blue = (cell(sheet, 0, 0) == (200, 0, 0)).all(axis=2)
    assert blue.sum() == 9 * 3 * 30 * 3


def test_large_images_are_shrunk_in_their_ratio():
    sheet = draw_contact_sheet("t", [np.zeros((1, 400, 200), np.uint8)], [""])
    black = (cell(sheet, 0, 0) == 0).all(axis=2)
    assert (black.any(axis=1).sum(), black.any(axis=0).sum()) == (100, 50)


def test_numbers_that_are_no_bytes_fill_the_range():
    images = [np.full((1, 4, 4), value, np.float32) for value in (-2, 0, 2)]
    images.append(np.full((1, 4, 4), np.nan, np.float32))
    sheet = draw_contact_sheet("t", images, [""] * 4)
    middles = [cell(sheet, *divmod(number, 3))[CELL // 2, CELL // 2, 0] for number in range(3)]
    assert middles == [0, 128, 255]


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_any_number_of_channels(channels):
    image = np.full((channels, 5, 5), 90, np.uint8)
    sheet = draw_contact_sheet("t", [image], [""])
    assert cell(sheet, 0, 0)[CELL // 2, CELL // 2].tolist() == [90] * 3


def test_captions_and_the_title_stay_on_the_sheet():
    plain, written = (
        draw_contact_sheet(title, [np.zeros((1, 5, 5), np.uint8)], [caption])
        for title, caption in (("t", ""), ("t", "a very long caption " * 9))
    )
    assert plain.shape == written.shape
    assert (plain[HEADER + CELL :] == 255).all()
    assert (written[HEADER + CELL :] < 255).any()
    wide = draw_contact_sheet("a long title " * 20, [np.zeros((1, 5, 5), np.uint8)], [""])
    assert wide.shape[1] > 5 * CELL
    assert (wide[:HEADER, -40:] < 255).any()
