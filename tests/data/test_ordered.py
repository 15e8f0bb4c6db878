from threading import Event, Lock

import pytest

from netspec.data.ordered import in_order


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_items(workers):
    made = in_order(lambda number: number**2, range(100), workers)
    assert [future.result() for future in made] == [number**2 for number in range(100)]


def test_the_first_to_be_done_waits_its_turn():
    second = Event()

    def make(number):
        assert number or second.wait(10)
        if number == 1:
            second.set()
        return number

    assert [future.result() for future in in_order(make, range(4), 2)] == [0, 1, 2, 3]


def test_an_error_belongs_to_its_item():
    futures = list(in_order(lambda number: 1 // number, [1, 0, 2], 2))
    assert [future.exception() is None for future in futures] == [True, False, True]


def test_little_is_made_ahead_and_nothing_after_the_end():
    drawn, lock = [], Lock()

    def items():
        for number in range(1000):
            with lock:
                drawn.append(number)
            yield number

    made = in_order(lambda number: number, items(), 2)
    assert next(made).result() == 0
    made.close()
    assert len(drawn) <= 10


def test_it_may_be_dropped_in_one_of_its_own_threads():
    both_are_out = Event()

    def make(number):
        assert not number or both_are_out.wait(10)
        if number:
            made.close()

    made = in_order(make, range(3), 1)
    _, second = next(made), next(made)
    both_are_out.set()
    assert second.exception(10) is None
