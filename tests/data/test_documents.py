"""Scans of pages."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from netspec import compile_net
from netspec.data.documents import KINDS, Documents, document_parts, draw_homography, draw_page, lay_down
from netspec.errors import DataError

NET = """
layer {{ name: "in" type: "Input" top: "scan" top: "theta"
  input_param {{ shape {{ dim: 1 dim: 1 dim: 64 dim: 48 }} shape {{ dim: 1 dim: {values} }} }} }}
layer {{ name: "st" type: "SpatialTransformer" bottom: "scan" bottom: "theta" top: "page"
  st_param {{ transform_type: "{transform}" }} }}
"""


@pytest.mark.parametrize(("transform", "values"), [("affine", 6), ("projective", 8)])
def test_theta_finds_the_page(tmp_path, transform, values):
    documents = Documents(64, 48, transform)
    (tmp_path / "net.prototxt").write_text(NET.format(transform=transform, values=values))
    net = compile_net(tmp_path / "net.prototxt")
    for seed in range(5):
        rng = np.random.default_rng(seed)
        homography = draw_homography(rng, documents)
        page = cv2.GaussianBlur(draw_page(rng, documents, "letter"), (0, 0), 2)
        scan = lay_down(page, np.full(page.shape, 60, np.uint8), homography)
        theta = torch.tensor(homography.ravel()[None, :values], dtype=torch.float32)
        flat = net(scan=torch.tensor(scan[None, None], dtype=torch.float32), theta=theta)["page"][0, 0]
        error = np.abs(flat.numpy() - page)[2:-2, 2:-2]  # the border is half desk
        assert error.mean() < 1
        assert np.abs(scan.astype(float) - page).mean() > 30


@pytest.mark.parametrize("transform", ["affine", "projective"])
def test_all_of_the_page_is_in_the_scan(transform):
    documents = Documents(40, 80, transform)
    corners = np.array([[-1, -1, 1], [-1, 1, 1], [1, 1, 1], [1, -1, 1]])
    places = np.stack(
        [corners @ draw_homography(np.random.default_rng(seed), documents).T for seed in range(200)]
    )
    assert (places[..., 2:] > 0).all()
    assert 0.9 < np.abs(places[..., :2] / places[..., 2:]).max() <= 1 + 1e-6


def test_scans_depend_on_seed_half_and_number():
    train, test = document_parts(Documents(48, 64), (9, 4), 2)
    again, _ = document_parts(Documents(48, 64), (20, 1), 2)
    assert (train.count, test.count) == (9, 4)
    example = train.make(5)
    theta = example.targets["theta"]
    assert (example.image.shape, theta.shape) == ((48, 64), (6,))
    np.testing.assert_array_equal(example.image, again.make(5).image)
    assert (example.label, *theta) == (again.make(5).label, *again.make(5).targets["theta"])
    assert (theta != test.make(5).targets["theta"]).any()
    assert (theta != train.make(4).targets["theta"]).any()


def test_all_kinds_are_drawn():
    part, _ = document_parts(Documents(32, 32), (100, 1), 0)
    assert {part.make(number).label for number in range(100)} == {*range(len(KINDS))}


def brightness(kind, rows, columns):
    """Of a part of the page, as a share of the whole page's, over several pages."""
    pages = [draw_page(np.random.default_rng(seed), Documents(96, 96), kind) for seed in range(10)]
    return np.mean([page[rows, columns].mean() / page.mean() for page in pages])


@pytest.mark.parametrize(
    ("kind", "rows", "columns"),
    [
        ("picture above", slice(30, 48), slice(12, 84)),
        ("picture below", slice(60, 84), slice(12, 84)),
        ("picture to the left", slice(30, 48), slice(12, 44)),
        ("picture to the right", slice(30, 48), slice(52, 84)),
    ],
)
def test_pictures_lie_where_the_kind_says(kind, rows, columns):
    assert brightness(kind, rows, columns) < 0.85 < brightness("letter", rows, columns)


def test_an_article_has_two_columns():
    gap = slice(30, 84), slice(47, 49)
    assert brightness("article", *gap) > 1.02 > brightness("letter", *gap)


def test_pages_turn_as_far_as_asked():
    thetas = [draw_homography(np.random.default_rng(seed), Documents(turn=180)) for seed in range(200)]
    assert {np.sign(theta[0, 0]) for theta in thetas} == {-1, 1}
    thetas = [draw_homography(np.random.default_rng(seed), Documents(turn=0)) for seed in range(20)]
    assert max(abs(theta[1, 0]) for theta in thetas) < 0.06


def test_scans_that_are_too_small():
    with pytest.raises(DataError, match="a scan of 31 x 128 pixels shows no text"):
        document_parts(Documents(31, 128), (1, 1), 0)
