from concurrent.futures import Future

import numpy as np
import pytest

from netspec.data.items import Item
from netspec.data.survey import spread, survey
from netspec.errors import DataError


def future(result):
    made = Future()
    if isinstance(result, Exception):
        made.set_exception(result)
    else:
        made.set_result(result)
    return made


def item(number, values, label=None):
    return Item(f"n{number}", np.asarray(values), "bytes", label)


def test_what_is_counted():
    values = [np.uint8([[[1, 2]]]), np.uint8([[[3, 4]]]), np.uint8([[[5]]])]
    items = [item(number, value, number % 2) for number, value in enumerate(values)]
    found = survey(map(future, items), samples=[0, 2])
    assert (found.count, found.broken, found.low, found.high, found.mean) == (3, 0, 1, 5, 3)
    assert found.shapes == {(1, 1, 2): 2, (1, 1, 1): 1}
    assert (found.stored, found.labels, found.names) == ({"bytes": 3}, {0: 2, 1: 1}, ["n0", "n2"])
    assert found.samples == [items[0], items[2]]


def test_broken_records_are_counted_and_the_first_are_told():
    results = [item(0, np.uint8([[[7]]])), *(DataError.at(f"broken {number}") for number in range(30))]
    found = survey(map(future, results))
    assert (found.count, found.broken, found.low, found.names) == (31, 30, 7, ["n0"])
    assert [diagnostic.message for diagnostic in found.wrong] == [f"broken {number}" for number in range(10)]


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        survey([future(ZeroDivisionError())])


def test_numbers_that_are_none():
    found = survey([future(item(0, np.float32([np.nan, 2]))), future(item(1, np.float32([np.inf])))])
    assert (found.low, found.high, found.mean, found.not_finite) == (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [(0, 5, []), (3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (101, 3, [0, 50, 100]), (9, 1, [0])],
)
def test_spread(count, most, expected):
    assert spread(count, most) == expected
