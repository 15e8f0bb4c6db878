import numpy as np
import pytest
import torch


def _layer(param=""):
    return f'type: "Accuracy" accuracy_param {{ {param} }}'


def _reference(x, labels, axis, top_k, ignored):
    rows = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    hits, counts = np.zeros(x.shape[axis]), np.zeros(x.shape[axis])
    for row, label in zip(rows, labels.flatten(), strict=True):
        if label != ignored:
            better = sum(score >= row[label] for i, score in enumerate(row) if i != label)
            hits[label] += better < top_k
            counts[label] += 1
    return hits.sum() / counts.sum(), hits / counts.clip(min=1)


@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize("ignored", [None, 3])
@pytest.mark.parametrize(
    ("axis", "shape", "labels"), [(1, (20, 4), (20,)), (1, (3, 4, 5), (3, 1, 5)), (-1, (3, 5, 4), (15,))]
)
def test_overall_and_per_class(build, rng, axis, shape, labels, top_k, ignored):
    param = f"top_k: {top_k} axis: {axis}" + (f" ignore_label: {ignored}" if ignored else "")
    layer = build(_layer(param), shape, labels, tops=2)
    x, target = rng.integers(6, size=shape).astype(np.float32), rng.integers(4, size=labels)
    overall, per_class = layer(torch.from_numpy(x), torch.tensor(target, dtype=torch.float32))
    expected, expected_per_class = _reference(x, target, axis, top_k, ignored)
    assert overall.item() == pytest.approx(expected)
    np.testing.assert_allclose(per_class, expected_per_class, rtol=1e-6)
    assert layer.shapes == [(), (4,)]


def test_an_equal_score_counts_as_higher(build):
    layer = build(_layer(), (2, 3), (2,))
    assert layer(torch.ones(2, 3), torch.zeros(2)).item() == 0
    assert layer(torch.tensor([[1.0, 0, 0], [1, 1, 0]]), torch.zeros(2)).item() == 0.5


def test_an_ignored_label_need_not_be_a_class(build):
    layer = build(_layer("ignore_label: -1"), (2, 3), (2,))
    assert layer(torch.eye(2, 3), torch.tensor([0.0, -1.0])).item() == 1
    assert layer(torch.eye(2, 3), torch.tensor([-1.0, -1.0])).item() == 0


def test_another_batch_than_the_text_s(build):
    assert build(_layer(), (2, 3), (2,))(torch.eye(3), torch.arange(3.0)).item() == 1


def test_label_count(rejects):
    rejects("as many labels as scores without axis 1 are needed: 2, not 3", '"b1"', _layer(), (2, 5), (3,))


def test_top_k_above_the_classes(rejects):
    rejects("top_k 6 is above the number of classes, 5", "6", _layer("top_k: 6"), (2, 5), (2,))
