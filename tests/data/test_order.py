import numpy as np

from netspec.data.order import Order, draw_skip


def test_in_turn():
    order = Order(3)
    assert [order(record) for record in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert order.of_epoch(5).tolist() == [0, 1, 2]


def test_each_epoch_is_shuffled_by_itself():
    order = Order(9, seed=1, shuffle=True)
    epochs = [[order(9 * epoch + place) for place in range(9)] for epoch in range(4)]
    assert all(sorted(epoch) == list(range(9)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    again = Order(9, seed=1, shuffle=True)
    assert [again(record) for record in reversed(range(36))] == np.concatenate(epochs)[::-1].tolist()
    assert [again(9 + place) for place in range(9)] == again.of_epoch(1).tolist() == epochs[1]


def test_seeds_may_be_negative_and_matter():
    orders = {tuple(Order(9, seed=seed, shuffle=True).of_epoch(0)) for seed in (-1, 0, 1)}
    assert len(orders) == 3


def test_skips():
    assert draw_skip(3, 0) == 0
    assert {draw_skip(seed, 4) for seed in range(50)} == {0, 1, 2, 3}
    assert draw_skip(-7, 100) == draw_skip(-7, 100)


def test_going_back_and_forth_between_two_epochs_draws_each_once(monkeypatch):
    order = Order(5, seed=1, shuffle=True)
    expected = [order(record) for record in range(10)]
    monkeypatch.setattr("numpy.random.default_rng", None)  # nothing more is drawn
    assert [order(record) for pair in zip(range(5), range(5, 10), strict=True) for record in pair] == [
        expected[record] for pair in zip(range(5), range(5, 10), strict=True) for record in pair
    ]
