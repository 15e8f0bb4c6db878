"""Distorted and cluttered digits."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.data.distorted_digits import SETS, Clutter, Half, cluttered_part, distorted_part
from netspec.errors import DataError


def half(images, name="train"):
    return Half(name, np.asarray(images, np.uint8), np.arange(len(images), dtype=np.uint8), "digest")


@pytest.fixture(scope="module")
def blots():
    """Three images with a soft round blot above the middle."""
    y, x = np.mgrid[:28, :28] - 13.5
    blot = 250 * np.exp(-((y + 6) ** 2 + x**2) / 6)
    return half([blot, blot, blot])


def centre(image):
    weights = image.astype(float)
    return np.array([(weights * axis).sum() / weights.sum() for axis in np.indices(image.shape)])


def images(part):
    return [part.make(number).image for number in range(part.count)]


@pytest.mark.parametrize(("name", "side"), [("r", 28), ("rts", 42), ("p", 28), ("e", 28), ("tc", 60)])
def test_each_image_depends_on_its_number_and_the_seed_alone(blots, name, side):
    part = distorted_part(blots, name, 7, 3)
    found = images(part)
    assert {image.shape for image in found} == {(side, side)}
    assert [part.make(number).label for number in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    for number in (5, 2):
        again = distorted_part(blots, name, 2, 3).make(number).image
        np.testing.assert_array_equal(again, found[number])
    assert (found[0] != found[3]).any()
    assert (distorted_part(blots, name, 7, 4).make(0).image != found[0]).any()
    test = distorted_part(Half("test", blots.images, blots.labels, ""), name, 7, 3)
    assert (test.make(0).image != found[0]).any()


def test_rotations_reach_a_quarter_turn_and_no_further(blots):
    ways = np.array([centre(image) - 13.5 for image in images(distorted_part(blots, "r", 300, 0))])
    np.testing.assert_allclose(np.linalg.norm(ways, axis=1), 6, atol=0.1)
    angles = np.rad2deg(np.arctan2(ways[:, 1], -ways[:, 0]))
    assert -90.5 <= angles.min() < -85 < 85 < angles.max() <= 90.5
    assert abs(angles.mean()) < 8


def test_scales_of_rts_and_that_all_of_the_digit_stays_inside():
    white = half([np.full((28, 28), 200)])
    part = distorted_part(white, "rts", 300, 0)
    scales = [np.sqrt((part.make(number).image / 200).sum()) / 28 for number in range(300)]
    assert 0.69 < min(scales) < 0.72
    assert 1.13 < max(scales) < 1.2  # the corners of a large square that is turned are cut off
    upright = half([np.pad(np.full((8, 8), 200), 10)])
    masses = [image.sum() / 200 for image in images(distorted_part(upright, "rts", 300, 0))]
    assert min(masses) > 0.68**2 * 64


def test_projections_are_scaled_down_and_never_folded():
    white = half([np.full((28, 28), 200)])
    areas = [(image > 100).sum() / 784 for image in images(distorted_part(white, "p", 300, 0))]
    assert 0.55 < np.mean(areas) < 0.8
    assert min(areas) > 0.2


def test_elastic_distortions_are_smooth_and_small(blots):
    ways = np.array([centre(image) - 13.5 for image in images(distorted_part(blots, "e", 200, 0))])
    assert 5 * 0.75 < -ways[:, 0].mean() < 6
    assert 0.5 < ways[:, 1].std() < 2


@pytest.mark.parametrize(("name", "pieces", "size"), [("tc", 6, 6), ("cluttered", 4, 5)])
def test_clutter(name, pieces, size):
    digits = half([np.full((28, 28), 100)])
    part = (
        distorted_part(digits, "tc", 60, 0)
        if name == "tc"
        else cluttered_part(digits, Clutter(90, pieces, size), 60, 0)
    )
    found = np.stack(images(part)).astype(int)
    sums = (found / 100).sum((1, 2))
    assert sums.max() <= 28 * 28 + pieces * size**2  # what is added beyond white is lost
    assert sums.max() > 28 * 28 + (pieces - 1) * size**2
    assert set(np.unique(found)) <= {0, 100, 200, 255}


def test_clutter_that_does_not_fit():
    digits = half([np.zeros((28, 28))])
    for clutter in (Clutter(27, 4, 8), Clutter(40, 4, 29)):
        with pytest.raises(DataError, match="does not go with digits of 28 pixels"):
            cluttered_part(digits, clutter, 1, 0)


def test_the_sets():
    assert list(SETS) == ["r", "rts", "p", "e", "tc"]
