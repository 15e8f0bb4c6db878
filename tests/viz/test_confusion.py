"""What is taken for what, counted again with numpy."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
import torch

from netspec.viz.confusion import (
    accuracy,
    as_csv,
    as_markdown,
    class_scores,
    counting,
    draw_confusion,
    judges,
)

COUNTS = np.array([[8, 2, 0], [1, 5, 4], [0, 0, 0]])


def net_with(compile_text, judge, scores=(6, 4), labels=(6,)):
    inputs = "".join(
        f'layer {{ type: "Input" top: "{name}" input_param {{ shape {{ dim: {list(shape)} }} }} }}'
        for name, shape in (("x", scores), ("t", labels))
    )
    return compile_text(f'{inputs} layer {{ name: "judge" bottom: "x" bottom: "t" top: "judged" {judge} }}')


def reference(scores, labels, axis, ignored=None):
    said = scores.argmax(axis).ravel()
    truth = labels.ravel().astype(int)
    counts = np.zeros((scores.shape[axis],) * 2, int)
    for one, other in zip(truth, said, strict=True):
        if one != ignored:
            counts[one, other] += 1
    return counts


@pytest.mark.parametrize(
    ("judge", "scores", "labels", "axis", "ignored"),
    [
        ('type: "Accuracy"', (6, 4), (6,), 1, None),
        ('type: "Accuracy" accuracy_param { ignore_label: 2 }', (6, 4), (6, 1, 1, 1), 1, 2),
        ('type: "Accuracy" accuracy_param { axis: 2 }', (3, 5, 4), (3, 5), 2, None),
        ('type: "SoftmaxWithLoss"', (2, 4, 3, 5), (2, 1, 3, 5), 1, None),
        ('type: "SoftmaxWithLoss" loss_param { ignore_label: 0 }', (2, 4, 3, 5), (2, 1, 3, 5), 1, 0),
        ('type: "SoftmaxWithLoss" softmax_param { axis: -1 }', (2, 3, 4), (2, 3), 2, None),
        ('type: "HingeLoss"', (6, 4), (6,), 1, None),
        ('type: "HingeLoss"', (6, 4, 1, 1), (6,), 1, None),
    ],
)
def test_counts_are_those_of_numpy(compile_text, judge, scores, labels, axis, ignored):
    net = net_with(compile_text, judge, scores, labels)
    generator = np.random.default_rng(1)
    expected = np.zeros((4, 4), int)
    with counting(net, judges(net)[0]) as counts:
        for _ in range(3):
            x = generator.normal(size=scores).astype(np.float32)
            t = generator.integers(0, 4, labels)
            net(x=torch.from_numpy(x), t=torch.from_numpy(t))
            expected += reference(x, t, axis, ignored)
    net(x=torch.zeros(scores), t=torch.zeros(labels))  # nobody counts any more
    assert counts.tolist() == expected.tolist()
    assert accuracy(counts) == pytest.approx(expected.trace() / expected.sum())


def test_who_judges(compile_text):
    assert [node.layer.name for node in judges(net_with(compile_text, 'type: "Accuracy"'))] == ["judge"]
    assert judges(net_with(compile_text, 'type: "EuclideanLoss"', labels=(6, 4))) == []


def test_how_each_class_fares():
    first, second, third = class_scores(COUNTS)
    assert (first.items, first.right, first.recall, first.precision) == (10, 8, 0.8, 8 / 9)
    assert first.f1 == pytest.approx(2 * 0.8 * (8 / 9) / (0.8 + 8 / 9))
    assert first.mistaken == (1, 2)
    assert (second.recall, second.precision, second.mistaken) == (0.5, 5 / 7, (2, 4))
    assert (third.items, third.right, third.precision, third.mistaken) == (0, 0, 0, None)
    assert math.isnan(third.recall)
    assert math.isnan(third.f1)


def test_markdown():
    assert as_markdown(COUNTS) == (
        "| class | items | right | recall | precision |     F1 | mistaken for | times |\n"
        "|------:|------:|------:|-------:|----------:|-------:|-------------:|------:|\n"
        "|     0 |    10 |     8 | 80.00% |    88.89% | 84.21% |            1 |     2 |\n"
        "|     1 |    10 |     5 | 50.00% |    71.43% | 58.82% |            2 |     4 |\n"
        "|     2 |     0 |     0 |        |     0.00% |        |              |       |\n"
        "|   all |    20 |    13 | 65.00% |           |        |              |       |\n"
    )


def test_csv():
    rows = list(csv.DictReader(io.StringIO(as_csv(COUNTS))))
    assert list(rows[0]) == ["class", "items", "right", "recall", "precision", "f1", "mistaken_for", "times"]
    assert [float(row["recall"]) for row in rows[:2]] == [0.8, 0.5]
    assert math.isnan(float(rows[2]["recall"]))
    assert [(row["mistaken_for"], row["times"]) for row in rows] == [("1", "2"), ("2", "4"), ("", "0")]


def test_nothing_counted():
    assert math.isnan(accuracy(np.zeros((3, 3), np.int64)))


@pytest.mark.parametrize(("classes", "written"), [(3, True), (25, True), (26, False), (100, False)])
def test_the_picture_holds_the_counts_while_there_is_room(classes, written):
    counts = np.diag(np.arange(classes)) + 1
    axes = draw_confusion(counts, "title").axes[0]
    assert len(axes.texts) == (classes**2 if written else 0)
    assert axes.get_title() == "title"
    assert len(axes.get_xticks()) <= 60
    if written:
        texts = {text.get_position(): text.get_text() for text in axes.texts}
        assert texts[(2, 2)] == "3"  # x is what it was taken for
