import pytest
import torch

from netspec.errors import DataError


def _layer(param):
    return f'type: "ClutteredDigits" cluttered_digits_param {{ {param} }}'


def test_shapes_and_batches(build):
    layer = build(_layer("batch_size: 3 height: 30 width: 36"), tops=2)
    assert layer.shapes == [(3, 1, 30, 36), (3,)]
    images, labels = layer.stream(0).batch(0)
    assert (images.shape, labels.shape) == ((3, 1, 30, 36), (3,))
    assert layer.stream(0).shapes == tuple(layer.shapes)


def test_several_digits_have_a_label_each(build):
    assert build(_layer("batch_size: 3 digits: 2"), tops=2).shapes == [(3, 1, 40, 40), (3, 2)]


def test_phases_differ_and_seeds_too(build):
    text = _layer("batch_size: 2")
    train, test = build(text, tops=2, training=True), build(text, tops=2)
    assert not torch.equal(train.stream(0).batch(0)[0], test.stream(0).batch(0)[0])
    assert not torch.equal(test.stream(0).batch(0)[0], test.stream(1).batch(0)[0])


def test_a_seed_of_its_own_wins(build):
    layer = build(_layer("batch_size: 2 seed: 9"), tops=2)
    assert torch.equal(layer.stream(0).batch(0)[0], layer.stream(1).batch(0)[0])


def test_impossible_geometry_is_told_at_the_field(build):
    layer = build(_layer("height: 10"), tops=2)
    with pytest.raises(DataError, match="does not fit") as caught:
        layer.stream(0)
    assert caught.value.diagnostics[0].span.line == 2


def test_in_training_each_process_draws_its_own_batches(build, monkeypatch):
    text = 'type: "ClutteredDigits" cluttered_digits_param { batch_size: 3 }'
    alone = build(text, tops=2, training=True).stream(3)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        shared = build(text, tops=2, training=True).stream(3)
        for index in range(2):
            assert torch.equal(shared.batch(index)[0], alone.batch(2 * index + rank)[0])
