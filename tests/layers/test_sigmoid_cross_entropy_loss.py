import numpy as np
import pytest
import torch


def _layer(param=""):
    return f'type: "SigmoidCrossEntropyLoss" loss_param {{ {param} }}'


def _reference(x, target, ignored):
    """The sum of the losses, and the number of targets that count."""
    total, count = 0.0, 0
    for score, t in zip(x.flatten(), target.flatten(), strict=True):
        if int(t) != ignored:
            s = 1 / (1 + np.exp(-score))
            total -= t * np.log(s) + (1 - t) * np.log(1 - s)
            count += 1
    return total, count


@pytest.mark.parametrize(
    ("param", "divisor"),
    [
        ("", "batch"),
        ("normalization: FULL", "full"),
        ("normalization: VALID", "valid"),
        ("normalization: BATCH_SIZE", "batch"),
        ("normalization: NONE", "none"),
        ("normalize: true", "valid"),
        ("normalize: false", "batch"),
        ("normalize: true normalization: FULL", "full"),
    ],
)
@pytest.mark.parametrize("ignored", [None, -1])
def test_values_and_gradient(build, gradcheck, randn, rng, param, divisor, ignored):
    if ignored is not None:
        param += f" ignore_label: {ignored}"
    layer, x = build(_layer(param), (2, 3, 2), (2, 6)), randn(2, 3, 2)
    target = rng.choice([0, 1, 0.3], size=(2, 6))
    if ignored is not None:
        target[0, :2] = ignored
    total, valid = _reference(x.detach().numpy(), target, ignored)
    expected = total / {"valid": valid, "full": 12, "batch": 2, "none": 1}[divisor]
    assert layer(x, torch.tensor(target)).item() == pytest.approx(expected)
    assert layer.shapes == [()]
    gradcheck(layer, x, torch.tensor(target))


def test_the_whole_part_of_a_target_is_held_against_ignore_label(build):
    layer = build(_layer("ignore_label: 0 normalization: VALID"), (1, 2), (1, 2))
    assert layer(torch.zeros(1, 2), torch.tensor([[0.5, 1.0]])).item() == pytest.approx(np.log(2))


def test_far_from_zero_the_loss_is_linear(build):
    x = torch.tensor([[1000.0, -1000.0]], requires_grad=True)
    loss = build(_layer(), (1, 2), (1, 2))(x, torch.tensor([[0.0, 1.0]]))
    loss.backward()
    assert loss.item() == 2000
    assert x.grad.tolist() == [[1, -1]]


def test_no_gradient_to_the_targets(build):
    x, target = torch.ones(1, 2, requires_grad=True), torch.ones(1, 2, requires_grad=True)
    build(_layer(), (1, 2), (1, 2))(x, target).backward()
    assert target.grad is None


def test_another_batch_than_the_text_s(build):
    layer = build(_layer(), (2, 1), (2, 1))
    assert layer(torch.zeros(4, 1), torch.zeros(4, 1)).item() == pytest.approx(np.log(2))


def test_target_count(rejects):
    rejects("as many targets as elements", '"b1"', _layer(), (2, 3), (2,))
