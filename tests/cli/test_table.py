"""Aligned text, and amounts with prefixes."""

from __future__ import annotations

import pytest

from netspec.cli.table import amount, table


def test_columns_are_aligned():
    assert table(["name", "n"], [["a", "1"], ["long name", "22"]], "<>").splitlines() == [
        "name        n",
        "---------  --",
        "a           1",
        "long name  22",
    ]


def test_header_alone():
    assert table(["a", "b"], [], "<<") == "a  b\n-  -"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234567, "1.23 MB"), (5e9, "5 GB"), (2e15, "2e+03 TB")],
)
def test_amount(number, text):
    assert amount(number, "B") == text


def test_amount_without_unit():
    assert [amount(7), amount(7000)] == ["7", "7 k"]
