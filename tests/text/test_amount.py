"""Large numbers as people read them."""

import pytest

from netspec.text.amount import amount


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234567, "1.23 MB"), (5e9, "5 GB"), (2e15, "2 PB")],
)
def test_with_a_unit(number, text):
    assert amount(number, "B") == text


def test_without_a_unit():
    assert [amount(7), amount(7000)] == ["7", "7 k"]
