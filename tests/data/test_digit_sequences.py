"""Sequences of digits."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.data import digit_sequences
from netspec.data.digit_sequences import sequence_parts
from netspec.data.distorted_digits import Half
from netspec.errors import DataError


@pytest.fixture
def digits(monkeypatch):
    """Digits whose grey level is their class, 12 for training and 4 for test; none is cut into pieces."""

    def read_half(_, *, train):
        labels = np.arange(12 if train else 4, dtype=np.uint8) % 10
        images = np.full((len(labels), 28, 28), 10, np.uint8) * (labels[:, None, None] + 1)
        return Half("train" if train else "test", images, labels, "digest")

    monkeypatch.setattr(digit_sequences, "read_half", read_half)
    monkeypatch.setattr(digit_sequences, "_PIECES", 0)


def test_three_digits_side_by_side(digits):
    train, validation, test = sequence_parts("anywhere", 40, 30, 0)
    assert (train.count, validation.count, test.count) == (40, 30, 30)
    for part, most in ((train, 10), (validation, 2), (test, 4)):
        for number in range(part.count):
            example = part.make(number)
            assert example.image.shape == (100, 100)
            columns = example.image.max(0)
            runs = columns[np.flatnonzero(columns)].reshape(3, 28)
            np.testing.assert_array_equal(runs, np.repeat(10 * (example.label[:, None] + 1), 28, 1))
            assert set(example.label) <= set(range(most))
    tops = [np.argmax(train.make(number).image > 0, axis=0) for number in range(40)]
    starts = [np.flatnonzero(train.make(number).image.max(0))[0] for number in range(40)]
    steps = [top[start + 28] - top[start] for top, start in zip(tops, starts, strict=True)]
    assert min(steps) < -5 < 5 < max(steps)
    assert max(np.abs(steps)) <= 14


def test_they_depend_on_seed_half_and_number(digits):
    train, *_ = sequence_parts("anywhere", 10, 3, 0)
    again, *_ = sequence_parts("anywhere", 20, 3, 0)
    other, *_ = sequence_parts("anywhere", 10, 3, 1)
    np.testing.assert_array_equal(train.make(7).image, again.make(7).image)
    assert (train.make(7).image != other.make(7).image).any()


def test_clutter(digits, monkeypatch):
    monkeypatch.setattr(digit_sequences, "_PIECES", 8)
    train, *_ = sequence_parts("anywhere", 20, 1, 0)
    inked = [(train.make(number).image > 0).sum() - 3 * 28 * 28 for number in range(20)]
    assert min(inked) >= 0
    assert 200 < max(inked) <= 8 * 81


def test_digits_that_are_too_large(digits, monkeypatch):
    monkeypatch.setattr(digit_sequences, "CANVAS", 80)
    with pytest.raises(DataError, match="10 digits of 28 pixels make no sequences on 80 pixels"):
        sequence_parts("anywhere", 1, 1, 0)
