import pytest
import torch

from netspec.errors import NetError


def _layer(param):
    return f'type: "DummyData" dummy_data_param {{ {param} }}'


def test_constant_tops_stay_and_others_change(build):
    shapes = "shape { dim: 2 dim: 3 } shape { dim: 2 }"
    fillers = 'data_filler { type: "gaussian" } data_filler { value: 7 }'
    layer = build(_layer(f"{shapes} {fillers}"), tops=2)
    assert layer.shapes == [(2, 3), (2,)]
    stream = layer.stream(5)
    assert stream.shapes == ((2, 3), (2,))
    first, second = stream.batch(0), stream.batch(1)
    assert not torch.equal(first[0], second[0])
    assert first[1].tolist() == second[1].tolist() == [7, 7]


def test_a_batch_is_a_function_of_seed_and_index(build):
    layer = build(_layer('shape { dim: 4 } data_filler { type: "uniform" }'))
    in_order = [layer.stream(1).batch(index)[0] for index in range(3)]
    stream = layer.stream(1)
    for index in (2, 0, 1):
        assert torch.equal(stream.batch(index)[0], in_order[index])
    assert not torch.equal(layer.stream(2).batch(0)[0], in_order[0])


def test_two_random_tops_differ(build):
    layer = build(_layer('shape { dim: 4 } data_filler { type: "uniform" }'), tops=2)
    a, b = layer.stream(0).batch(0)
    assert not torch.equal(a, b)


def test_without_fillers_zeros(build):
    assert build(_layer("shape { dim: 2 }")).stream(0).batch(0)[0].tolist() == [0, 0]


def test_the_old_spelling(build):
    layer = build(_layer("num: 5 num: 6 channels: 3 height: 2 width: 1"), tops=2)
    assert layer.shapes == [(5, 3, 2, 1), (6, 3, 2, 1)]


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("expected one shape, or one for each of 2 tops, found 0", "dummy_data_param", ""),
        ("expected one shape, or one for each of 2 tops, found 3", "shape", "shape { } " * 3),
        ("takes shape, or all of num", "3", "shape { } num: 3"),
        ("takes shape, or all of num", "3", "num: 3 channels: 1"),
        ("expected one num, .* found 3", "3", "num: 3 num: 4 num: 5 channels: 1 height: 1 width: 1"),
    ],
)
def test_refused(rejects, message, marked, param):
    rejects(message, marked, _layer(param), tops=2)


def test_unknown_filler_type(build):
    layer = build(_layer('shape { dim: 1 } data_filler { type: "gausian" }'))
    with pytest.raises(NetError, match="unknown filler type 'gausian'"):
        layer.stream(0)


def test_in_training_each_process_draws_its_own_batches(build, monkeypatch):
    text = _layer('shape { dim: 5 } data_filler { type: "uniform" }')
    alone = build(text, training=True).stream(3)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        shared = build(text, training=True).stream(3)
        for index in range(3):
            assert shared.batch(index)[0].equal(alone.batch(2 * index + rank)[0])
