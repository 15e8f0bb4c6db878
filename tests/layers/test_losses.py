import pytest
import torch

from netspec.layers.losses import (
    NO_LABEL,
    log_probability,
    normaliser,
    normalization,
    picked,
    with_gradient_of,
)
from netspec.schema.messages import LossParameter

VALID, BATCH_SIZE = LossParameter.VALID, LossParameter.BATCH_SIZE


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({}, VALID),
        ({"normalize": True}, VALID),
        ({"normalize": False}, BATCH_SIZE),
        ({"normalize": False, "normalization": LossParameter.FULL}, LossParameter.FULL),
        ({"normalization": LossParameter.NONE}, LossParameter.NONE),
    ],
)
def test_normalization(fields, mode):
    assert normalization(LossParameter(**fields)) == mode


def test_another_default_of_normalization():
    assert normalization(LossParameter(), BATCH_SIZE) == BATCH_SIZE
    assert normalization(LossParameter(normalize=True), BATCH_SIZE) == VALID


@pytest.mark.parametrize(
    ("mode", "ignored", "expected"),
    [
        (LossParameter.FULL, 1, 6),
        (VALID, 1, 4),
        (VALID, NO_LABEL, 6),
        (BATCH_SIZE, 1, 2),
        (LossParameter.NONE, 1, 1),
    ],
)
def test_normaliser(mode, ignored, expected):
    assert normaliser(mode, torch.tensor([[0, 1, 2], [1, 2, 3]]), ignored, 2) == expected


@pytest.mark.parametrize("mode", LossParameter.NormalizationMode.values())
def test_the_normaliser_is_at_least_one(mode):
    assert normaliser(mode, torch.tensor([], dtype=torch.long), 5, 0) == 1
    assert normaliser(mode, torch.tensor([], dtype=torch.long), NO_LABEL, 0) == 1


def test_picked():
    scores = torch.arange(12.0).reshape(2, 3, 2).requires_grad_()
    y = picked(scores, torch.tensor([[0, 2], [1, 1]]))
    y.sum().backward()
    assert y.tolist() == [[0, 5], [8, 9]]
    assert scores.grad.flatten().tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("label", [3, -1, -100])
def test_picked_at_no_class(label):
    with pytest.raises(IndexError):
        picked(torch.zeros(2, 3), torch.tensor([0, label]))


def test_gradients_that_are_not_the_derivative():
    x = torch.tensor([2.0, -3.0], requires_grad=True)
    y = with_gradient_of(x.square(), 5 * x)
    y.sum().backward()
    assert y.tolist() == [4, 9]
    assert x.grad.tolist() == [5, 5]


def test_log_probability():
    p = torch.tensor([0.5, 0.0], dtype=torch.float64, requires_grad=True)
    y = log_probability(p)
    y.sum().backward()
    torch.testing.assert_close(y.detach(), torch.tensor([0.5, 1e-20], dtype=torch.float64).log())
    torch.testing.assert_close(p.grad, torch.tensor([2, 1e20], dtype=torch.float64))
