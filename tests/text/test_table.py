"""Aligned text."""

from __future__ import annotations

from netspec.text.table import table


def test_columns_are_aligned():
    assert table(["name", "n"], [["a", "1"], ["long name", "22"]], "<>").splitlines() == [
        "name        n",
        "---------  --",
        "a           1",
        "long name  22",
    ]


def test_header_alone():
    assert table(["a", "b"], [], "<<") == "a  b\n-  -"
