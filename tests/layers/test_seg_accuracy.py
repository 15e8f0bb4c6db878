import numpy as np
import pytest
import torch


def _layer(param=""):
    return f'type: "SegAccuracy" seg_accuracy_param {{ {param} }}'


def _count(x, labels, ignored=()):
    """How often which class was taken for which."""
    n, classes, *plane = x.shape
    counts = np.zeros((classes, classes), int)
    for item, *place in np.ndindex(n, *plane):
        scores, label = x[(item, slice(None), *place)], int(labels[(item, 0, *place)])
        if label not in ignored:
            counts[label, max(range(classes), key=lambda k, s=scores: (s[k], k))] += 1
    return counts


def _shares(counts):
    recalls, overlaps = [], []
    for k, row in enumerate(counts):
        union = row.sum() + counts[:, k].sum() - row[k]
        overlaps.append(row[k] / union if union else 1)
        if row.sum():
            recalls.append(row[k] / row.sum())
    return [np.trace(counts) / max(1, counts.sum()), np.mean(recalls) if recalls else 0, np.mean(overlaps)]


@pytest.mark.parametrize(("param", "ignored"), [("", ()), ("ignore_label: 255 ignore_label: 3", (3, 255))])
@pytest.mark.parametrize("plane", [(4, 5), (6,)])
def test_three_shares(build, rng, param, ignored, plane):
    layer = build(_layer(param), (2, 5, *plane), (2, 1, *plane))
    x = rng.integers(3, size=(2, 5, *plane)).astype(np.float32)  # many scores are equal
    labels = rng.integers(4, size=(2, 1, *plane))  # class 4 is nowhere labelled
    if ignored:
        labels[0, 0, 0] = 255
    shares = layer(torch.from_numpy(x), torch.tensor(labels, dtype=torch.float32))
    np.testing.assert_allclose(shares.flatten(), _shares(_count(x, labels, ignored)), rtol=1e-6)
    assert layer.shapes == [(1, 1, 1, 3)] == [tuple(shares.shape)]


@pytest.mark.parametrize("reset", ["true", "false"])
def test_from_batch_to_batch(build, rng, reset):
    layer = build(_layer(f"reset: {reset} metric: PixelIOU"), (1, 3, 4), (1, 1, 4))
    counts = np.zeros((3, 3), int)
    for _ in range(3):
        x, labels = rng.normal(size=(1, 3, 4)), rng.integers(3, size=(1, 1, 4))
        shares = layer(torch.from_numpy(x), torch.tensor(labels))
        counts = _count(x, labels) + (counts if reset == "false" else 0)
        np.testing.assert_allclose(shares.flatten(), _shares(counts), rtol=1e-6)


def test_where_nothing_counts(build):
    layer = build(_layer("ignore_label: 0"), (1, 2, 3), (1, 1, 3))
    assert layer(torch.ones(1, 2, 3), torch.zeros(1, 1, 3)).flatten().tolist() == [0, 0, 1]


def test_another_batch_than_the_text_s(build):
    layer = build(_layer(), (1, 2, 3), (1, 1, 3))
    assert layer(torch.eye(2).repeat(5, 1, 2)[..., :3], torch.zeros(5, 1, 3)).shape == (1, 1, 1, 3)


@pytest.mark.parametrize("label", [2, -1])
def test_a_label_that_is_no_class(build, label):
    layer = build(_layer(), (1, 2, 3), (1, 1, 3))
    with pytest.raises(IndexError):
        layer(torch.ones(1, 2, 3), torch.full((1, 1, 3), label))


def test_shapes(rejects):
    rejects("NxCxHxW and Nx1xHxW", '"b1"', _layer(), (2, 3, 4, 4), (2, 1, 4, 5))
    rejects("NxCxHxW and Nx1xHxW", '"b1"', _layer(), (2, 3, 4, 4), (2, 4, 4))
