"""Guesses at misspelt names."""

import pytest

from netspec.text.suggest import nearest, one_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kernel_szie", "kernel_size"),
        ("SpatialTransfomer", "SpatialTransformer"),
        ("relu", "ReLU"),
        ("KERNEL_SIZE", "kernel_size"),
        ("something_else", None),
        ("", None),
    ],
)
def test_nearest(name, expected):
    assert nearest(name, ["kernel_size", "SpatialTransformer", "ReLU", "stride"]) == expected


def test_nearest_of_nothing():
    assert nearest("a", []) is None


def test_one_of():
    assert [one_of(["a"]), one_of(["a", "b"]), one_of(["a", "b", "c"])] == ["a", "a or b", "a, b or c"]
