import pytest
import torch
from torch import nn

from netspec.solver.sgd import SGD


def reference(weights, grads, history, rate, momentum, decay, kind, clip, iter_size, factors):
    """One update, blob by blob, as the definition reads."""
    norm = sum((grad**2).sum() for grad in grads).sqrt()
    scale = clip / norm if 0 <= clip < norm else 1.0
    for index, (lr_mult, decay_mult) in enumerate(factors):
        slope = weights[index] if kind == "L2" else weights[index].sign()
        grad = grads[index] * scale / iter_size + decay * decay_mult * slope
        history[index] = rate * lr_mult * grad + momentum * history[index]
        weights[index] = weights[index] - history[index]


@pytest.mark.parametrize("kind", ["L1", "L2"])
@pytest.mark.parametrize("clip", [-1.0, 0.5, 1e6])
@pytest.mark.parametrize("iter_size", [1, 3])
def test_updates_follow_the_definition(kind, clip, iter_size):
    torch.manual_seed(0)
    factors = [(1.0, 1.0), (2.0, 0.0), (1.0, 1.0), (0.5, 3.0)]
    weights = [torch.randn(3, 2, dtype=torch.float64) for _ in factors]
    history = [torch.zeros_like(weight) for weight in weights]
    params = [nn.Parameter(weight.clone()) for weight in weights]
    groups = [
        {"params": [params[0], params[2]]},
        {"params": [params[1]], "lr_mult": 2.0, "decay_mult": 0.0},
        {"params": [params[3]], "lr_mult": 0.5, "decay_mult": 3.0},
    ]
    rule = SGD(
        groups,
        lr=0.1,
        momentum=0.9,
        weight_decay=0.01,
        regularization_type=kind,
        clip_gradients=clip,
        iter_size=iter_size,
    )
    for rate in (0.1, 0.1, 0.03):
        grads = [torch.randn_like(weight) for weight in weights]
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad.clone()
        for group in rule.param_groups:
            group["lr"] = rate
        rule.step()
        reference(weights, grads, history, rate, 0.9, 0.01, kind, clip, iter_size, factors)
    for param, grad, weight in zip(params, grads, weights, strict=True):
        torch.testing.assert_close(param.detach(), weight)
        assert torch.equal(param.grad, grad)
    for have, want in zip(rule.history(params), history, strict=True):
        torch.testing.assert_close(have, want)


def test_the_rate_is_inside_the_momentum():
    """After the rate falls to zero, the old steps still go on: not so in torch.optim.SGD."""
    weight = nn.Parameter(torch.tensor([1.0]))
    rule = SGD([weight], lr=0.5, momentum=0.5)
    weight.grad = torch.tensor([1.0])
    rule.step()
    rule.param_groups[0]["lr"] = 0.0
    rule.step()
    assert weight.item() == 1 - 0.5 - 0.25


def test_a_missing_gradient_is_zero():
    weight = nn.Parameter(torch.tensor([1.0]))
    rule = SGD([weight], lr=0.5, momentum=0.5)
    weight.grad = torch.tensor([1.0])
    rule.step()
    rule.zero_grad()
    rule.step()
    assert weight.item() == 0.25


def test_a_fixed_blob_has_a_history_and_stays():
    weight = nn.Parameter(torch.tensor([1.0]), requires_grad=False)
    rule = SGD([{"params": [weight], "lr_mult": 0.0}], lr=0.5, momentum=0.5, weight_decay=1.0)
    rule.step()
    assert weight.item() == 1
    assert [buffer.tolist() for buffer in rule.history([weight])] == [[0]]


def test_clipping_to_nothing_stops_everything():
    weight = nn.Parameter(torch.tensor([1.0]))
    rule = SGD([weight], lr=0.5, clip_gradients=0.0)
    for gradient in (3.0, 0.0):
        weight.grad = torch.tensor([gradient])
        rule.step()
    assert weight.item() == 1


def test_the_state_dict_goes_back_and_forth():
    weight = nn.Parameter(torch.tensor([1.0]))
    rule, other = SGD([weight], lr=0.5, momentum=0.5), SGD([weight], lr=0.1)
    weight.grad = torch.tensor([1.0])
    rule.step()
    other.load_state_dict(rule.state_dict())
    assert other.history([weight])[0].item() == 0.5
    assert other.param_groups[0]["momentum"] == 0.5
