import numpy as np
import pytest
import torch

from netspec.layers.boxes import areas, decode, encode, in_pixels, match, overlaps, suppress
from netspec.schema.document import load_document
from netspec.schema.messages import PriorBoxParameter, ResizeParameter
from netspec.text.source import Source


def draw_boxes(rng, *shape):
    """Boxes with an area, most of them within 0 and 1."""
    ends = rng.uniform(-0.1, 1.1, (*shape, 2, 2))
    return torch.from_numpy(np.sort(ends, -2).reshape(*shape, 4))


def overlap(a, b):
    """The naive overlap of two boxes, for the tests of layers, too."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return float(width * height / (both - width * height))


def test_areas():
    boxes = torch.tensor([[0, 0, 2, 3], [1, 1, 1, 5], [2, 0, 0, 3], [2, 2, 0, 0]])
    assert areas(boxes).tolist() == [6, 0, 0, 0]


def test_overlaps(rng):
    a, b = draw_boxes(rng, 5, 1), draw_boxes(rng, 7)
    expected = [[overlap(x, y) for y in b.tolist()] for x in a[:, 0].tolist()]
    torch.testing.assert_close(overlaps(a, b), torch.tensor(expected, dtype=torch.float64))


def test_boxes_without_an_area_overlap_nothing():
    empty, turned = torch.tensor([0.5, 0.5, 0.5, 0.5]), torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert (
        overlaps(torch.stack([empty, turned])[:, None], torch.stack([empty, turned])).tolist() == [[0, 0]] * 2
    )


def _offsets(code, prior, box):
    (x1, y1, x2, y2), (a1, b1, a2, b2) = prior, box
    width, height = x2 - x1, y2 - y1
    if code == "CENTER_SIZE":
        shift = ((a1 + a2 - x1 - x2) / 2 / width, (b1 + b2 - y1 - y2) / 2 / height)
        return [*shift, np.log((a2 - a1) / width), np.log((b2 - b1) / height)]
    scale = (width, height, width, height) if code == "CORNER_SIZE" else (1, 1, 1, 1)
    return [(b - a) / by for a, b, by in zip(prior, box, scale, strict=True)]


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("code", ["CORNER", "CENTER_SIZE", "CORNER_SIZE"])
def test_codes(rng, code, plain):
    priors, boxes = draw_boxes(rng, 6), draw_boxes(rng, 6)
    variances = torch.from_numpy(rng.uniform(0.1, 0.5, (6, 4)))
    pairs = zip(priors.tolist(), boxes.tolist(), strict=True)
    expected = torch.tensor([_offsets(code, *pair) for pair in pairs], dtype=torch.float64)
    number = getattr(PriorBoxParameter, code)
    found = encode(priors, variances, boxes, number, plain)
    torch.testing.assert_close(found, expected if plain else expected / variances)
    torch.testing.assert_close(decode(priors, variances, found, number, plain), boxes)


def _suppress(boxes, valid, threshold, eta):
    kept = []
    for index, box in enumerate(boxes):
        if valid[index] and all(overlap(box, boxes[other]) <= threshold for other in kept):
            kept.append(index)
            threshold *= eta if eta < 1 and threshold > 0.5 else 1
    return [index in kept for index in range(len(boxes))]


@pytest.mark.parametrize(("threshold", "eta"), [(0.3, 1), (0, 1), (0.7, 0.9)])
def test_suppress(rng, threshold, eta):
    boxes, valid = draw_boxes(rng, 3, 30), torch.from_numpy(rng.random((3, 30)) < 0.8)
    expected = [
        _suppress(*lists, threshold, eta) for lists in zip(boxes.tolist(), valid.tolist(), strict=True)
    ]
    assert suppress(boxes, valid, threshold, eta).tolist() == expected


def test_suppress_nothing():
    assert suppress(torch.empty(2, 0, 4), torch.empty(2, 0, dtype=torch.bool), 0.5).shape == (2, 0)


def test_the_largest_overlap_is_matched_first():
    pairs = torch.tensor([[0.9, 0.8, 0.0], [0.8, 0.1, 0.0]])
    matched, largest = match(pairs, torch.tensor([0, 0]), 1, None)
    assert matched.tolist() == [[0, 1, -1]]
    assert largest.tolist() == [[pairs[0, 0], pairs[0, 1], 0]]


def test_with_a_threshold_priors_share_an_object():
    pairs = torch.tensor([[0.9, 0.5, 0.4], [0.2, 0.6, 0.0]])
    assert match(pairs, torch.tensor([0, 0]), 1, 0.4)[0].tolist() == [[0, 1, 0]]
    assert match(pairs, torch.tensor([0, 0]), 1, 0.5)[0].tolist() == [[0, 1, -1]]


def test_groups_do_not_meet_and_one_too_many_takes_no_part():
    pairs = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    matched, largest = match(pairs, torch.tensor([2, 0, 1]), 2, None)
    assert matched.tolist() == [[1, -1], [2, -1]]
    assert torch.equal(largest, pairs[1:])


def test_among_equals_the_first_prior_and_the_first_object():
    assert match(torch.full((2, 3), 0.5), torch.tensor([0, 0]), 1, 0.5)[0].tolist() == [[0, 1, 0]]


def test_an_object_in_no_reach_gets_nothing():
    assert match(torch.tensor([[0.0, 0.0], [1e-7, 0.5]]), torch.tensor([0, 0]), 1, 0)[0].tolist() == [[-1, 1]]


def test_a_shadow_takes_priors_and_gives_none():
    pairs = torch.tensor([[0.9, 0.2, 0.3, 0.0], [0.5, 0.6, 0.1, 0.0]])
    matched, _ = match(pairs, torch.tensor([0, 0]), 1, 0.1, shadow=torch.tensor([True, False]))
    assert matched.tolist() == [[-2, 1, -2, -1]]


def _resize(text):
    return load_document(Source("resize", text), ResizeParameter).message


@pytest.mark.parametrize(
    ("resize", "expected"),
    [
        ("", [20, 0, 100, 30]),
        ("resize_mode: WARP height: 9 width: 9", [20, 0, 100, 30]),
        # 100 x 60 fits into 50 x 40 as 50 x 30: a padding of 1/8 above and below.
        ("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 40 width: 50", [20, 0, 100, 30]),
        # Into 50 x 15 as 25 x 15: a quarter left and right.
        ("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 15 width: 50", [0, 0, 100, 30]),
        ("resize_mode: FIT_SMALL_SIZE height: 9 width: 9", [20, 0, 100, 30]),
        ("resize_mode: FIT_SMALL_SIZE height_scale: 80 width_scale: 40", [8, 0, 44, 40]),
    ],
)
def test_in_pixels(resize, expected):
    resize = _resize(resize) if resize else None
    found = in_pixels(torch.tensor([0.2, -0.1, 1.1, 0.5], dtype=torch.float64), 60, 100, resize)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
