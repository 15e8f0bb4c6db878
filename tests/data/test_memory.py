import copy

import numpy as np
import pytest
import torch

from netspec.data.memory import MemoryBatches
from netspec.errors import DataError
from netspec.text.source import Source, Span

SHAPE = (2, 1, 3, 3)


def _numbers(count):
    labels = np.arange(count)
    return np.broadcast_to(labels[:, None, None, None], (count, 1, 3, 3)).astype(np.float32), labels


@pytest.fixture
def batches():
    return MemoryBatches(SHAPE, name="m", span=Span(Source("net.prototxt", "memory_data_param"), 0, 17))


def test_rows_in_turn_over_and_over(batches):
    assert batches.shapes == (SHAPE, (2,))
    batches.reset(*_numbers(6))
    for index in range(7):
        data, labels = batches.batch(index)
        assert labels.tolist() == [2 * index % 6, 2 * index % 6 + 1]
        assert (data == labels.view(2, 1, 1, 1)).all()
        assert data.dtype == labels.dtype == torch.float32
    assert batches.batch(1)[1].tolist() == [2, 3]


def test_what_comes_after_a_reset_begins_at_the_first_row(batches):
    batches.reset(*_numbers(6))
    batches.batch(0)
    batches.reset(*_numbers(4))
    assert [batches.batch(index)[1].tolist() for index in (1, 2, 3)] == [[0, 1], [2, 3], [0, 1]]


def test_tensors_and_labels_of_four_axes(batches):
    data, labels = _numbers(2)
    batches.reset(torch.from_numpy(data).double().requires_grad_(), torch.from_numpy(labels).view(2, 1, 1, 1))
    assert not batches.batch(0)[0].requires_grad
    assert batches.batch(0)[1].tolist() == [0, 1]


def test_float32_is_not_copied(batches):
    data, labels = _numbers(2)
    data = data.copy()
    batches.reset(data, labels)
    data[:] = 9
    assert (batches.batch(0)[0] == 9).all()


def test_copies_go_their_own_way(batches):
    batches.reset(*_numbers(4))
    other = copy.deepcopy(batches)
    other.reset(*_numbers(2))
    assert [stream.batch(1)[1].tolist() for stream in (batches, other)] == [[0, 1], [0, 1]]
    assert [stream.batch(2)[1].tolist() for stream in (batches, other)] == [[2, 3], [0, 1]]


def test_without_data(batches):
    with pytest.raises(DataError, match=r"net\.prototxt:1:1: error: layer 'm' .* has no data yet") as caught:
        batches.batch(0)
    assert "reset(data, labels)" in caught.value.diagnostics[0].help


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (np.zeros((3, 1, 3, 3)), np.zeros(3), "Mx1x3x3, M a multiple of batch_size 2, found 3x1x3x3"),
        (np.zeros((0, 1, 3, 3)), np.zeros(0), "found 0x1x3x3"),
        (np.zeros((2, 3, 3)), np.zeros(2), "found 2x3x3"),
        (1.0, np.zeros(2), "found a scalar"),
        (np.zeros((2, 1, 3, 3)), np.zeros(3), "expected 2 labels, one per image, found 3"),
    ],
)
def test_shapes_that_do_not_fit(batches, data, labels, message):
    with pytest.raises(DataError, match=message):
        batches.reset(data, labels)
