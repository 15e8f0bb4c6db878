"""What all rules do alike, each rule held to its definition."""

import copy
import math

import pytest
import torch
from torch import nn

from netspec.solver.rules import RULES

OWN = {
    "SGD": {"momentum": 0.9},
    "Nesterov": {"momentum": 0.9},
    "AdaGrad": {"delta": 1e-3},
    "RMSProp": {"rms_decay": 0.8, "delta": 1e-3},
    "AdaDelta": {"momentum": 0.8, "delta": 1e-3},
    "Adam": {"momentum": 0.8, "momentum2": 0.95, "delta": 1e-3},
}
FACTORS = [(1.0, 1.0), (2.0, 0.0), (1.0, 1.0), (0.5, 3.0), (0.0, 1.0)]  # lr_mult, decay_mult
RATES = (0.1, 0.1, 0.03)


def sgd(w, g, rate, t, h, *, momentum):
    h[0] = momentum * h[0] + rate * g
    return w - h[0]


def nesterov(w, g, rate, t, h, *, momentum):
    before, h[0] = h[0], momentum * h[0] + rate * g
    return w - ((1 + momentum) * h[0] - momentum * before)


def adagrad(w, g, rate, t, h, *, delta):
    h[0] = h[0] + g**2
    return w - rate * g / (h[0].sqrt() + delta)


def rmsprop(w, g, rate, t, h, *, rms_decay, delta):
    h[0] = rms_decay * h[0] + (1 - rms_decay) * g**2
    return w - rate * g / (h[0].sqrt() + delta)


def adadelta(w, g, rate, t, h, *, momentum, delta):
    h[0] = momentum * h[0] + (1 - momentum) * g**2
    step = g * ((h[1] + delta) / (h[0] + delta)).sqrt()
    h[1] = momentum * h[1] + (1 - momentum) * step**2
    return w - rate * step


def adam(w, g, rate, t, h, *, momentum, momentum2, delta):
    h[0] = momentum * h[0] + (1 - momentum) * g
    h[1] = momentum2 * h[1] + (1 - momentum2) * g**2
    correction = math.sqrt(1 - momentum2**t) / (1 - momentum**t)
    return w - rate * correction * h[0] / (h[1].sqrt() + delta)


DEFINITIONS = dict(zip(RULES, (sgd, nesterov, adagrad, rmsprop, adadelta, adam), strict=True))


class Model:
    """Parameters in groups, and the same as plain tensors, which `reference` moves as the definitions say."""

    def __init__(self, name, **common):
        torch.manual_seed(0)
        self.name, self.common = name, common
        self.weights = [torch.randn(3, 2, dtype=torch.float64) for _ in FACTORS]
        self.histories = [[torch.zeros_like(weight)] * 2 for weight in self.weights]
        self.params = [nn.Parameter(weight.clone()) for weight in self.weights]
        self.params[-1].requires_grad_(False)
        groups = {}
        for param, factors in zip(self.params, FACTORS, strict=True):
            groups.setdefault(factors, []).append(param)
        groups = [
            {"params": params, "lr_mult": lr, "decay_mult": decay} for (lr, decay), params in groups.items()
        ]
        self.rule = RULES[name](groups, lr=0.1, **OWN[name], **common)

    def gradients(self):
        grads = [torch.randn_like(weight) for weight in self.weights]
        grads[-1].zero_()
        for param, grad in zip(self.params[:-1], grads, strict=False):
            param.grad = grad.clone()
        return grads

    def reference(self, grads, rate, t):
        norm = sum((grad**2).sum() for grad in grads).sqrt()
        clip, decay = self.common.get("clip_gradients", -1.0), self.common.get("weight_decay", 0.0)
        scale = (clip / norm if 0 <= clip < norm else 1.0) / self.common.get("iter_size", 1)
        for index, (lr_mult, decay_mult) in enumerate(FACTORS):
            weight, history = self.weights[index], list(self.histories[index])
            slope = weight.sign() if self.common.get("regularization_type") == "L1" else weight
            grad = grads[index] * scale + decay * decay_mult * slope
            define = DEFINITIONS[self.name]
            self.weights[index] = define(weight, grad, rate * lr_mult, t, history, **OWN[self.name])
            self.histories[index] = history

    def assert_follows(self):
        for param, weight in zip(self.params, self.weights, strict=True):
            torch.testing.assert_close(param.detach(), weight)
        slots = len(self.rule.slots)
        wanted = [history[slot] for slot in range(slots) for history in self.histories]
        for have, want in zip(self.rule.history(self.params), wanted, strict=True):
            torch.testing.assert_close(have, want)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kind", ["L1", "L2"])
@pytest.mark.parametrize("clip", [-1.0, 0.5, 1e6])
@pytest.mark.parametrize("iter_size", [1, 3])
def test_updates_follow_the_definition(name, kind, clip, iter_size):
    model = Model(name, weight_decay=0.01, regularization_type=kind, clip_gradients=clip, iter_size=iter_size)
    for iteration, rate in enumerate(RATES):
        grads = model.gradients()
        for group in model.rule.param_groups:
            group["lr"] = rate
        model.rule.step()
        model.reference(grads, rate, iteration + 1)
        model.assert_follows()
        for param, grad in zip(model.params[:-1], grads, strict=False):
            assert torch.equal(param.grad, grad)
    assert model.rule.iteration == len(RATES)


@pytest.mark.parametrize("name", RULES)
def test_a_rate_may_be_a_tensor(name):
    """As a captured graph wants it: what changes from step to step comes in through `rates` alone."""
    model = Model(name, weight_decay=0.01)
    for iteration, rate in enumerate(RATES):
        grads = model.gradients()
        for group in model.rule.param_groups:
            group["lr"] = torch.tensor(rate, dtype=torch.float64)
        model.rule.step()
        model.reference(grads, rate, iteration + 1)
    model.assert_follows()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("way", ["state_dict", "deepcopy"])
def test_an_optimizer_that_was_put_away_goes_on(name, way):
    model, other = (Model(name, weight_decay=0.01, clip_gradients=0.5) for _ in range(2))
    for iteration in range(4):
        if iteration == 2 and way == "deepcopy":
            model.params, model.rule = copy.deepcopy((model.params, model.rule))
        elif iteration == 2:
            other.rule.load_state_dict(copy.deepcopy(model.rule.state_dict()))
            for mine, theirs in zip(model.params, other.params, strict=True):
                theirs.data.copy_(mine.data)
            model.params, model.rule = other.params, other.rule
        grads = model.gradients()
        model.rule.step()
        model.reference(grads, 0.1, iteration + 1)
    model.assert_follows()


@pytest.mark.parametrize("name", RULES)
def test_any_pytorch_model_learns(name):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    rate = {"AdaDelta": 1.0, "RMSProp": 0.01}.get(name, 0.05)
    rule = RULES[name](model.parameters(), lr=rate, **OWN[name])
    schedule = torch.optim.lr_scheduler.ExponentialLR(rule, 0.99)
    x = torch.randn(64, 4)
    y = x[:, :1] - x[:, 1:2] * 0.5

    def closure():
        rule.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    losses = []
    for _ in range(60):
        losses.append(rule.step(closure).item())
        schedule.step()
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("name", RULES)
def test_a_missing_gradient_is_zero(name):
    rules = []
    for missing in (True, False):
        weight = nn.Parameter(torch.tensor([1.0]))
        rules.append(RULES[name]([weight], lr=0.5, **OWN[name]))
        for gradient in (torch.tensor([1.0]), None if missing else torch.tensor([0.0])):
            weight.grad = gradient
            rules[-1].step()
    (left,), (right,) = (rule.param_groups[0]["params"] for rule in rules)
    assert left.item() == right.item() < 1


@pytest.mark.parametrize("name", RULES)
def test_clipping_to_nothing_stops_everything(name):
    weight = nn.Parameter(torch.tensor([1.0]))
    rule = RULES[name]([weight], lr=0.5, clip_gradients=0.0)
    for gradient in (3.0, 0.0):
        weight.grad = torch.tensor([gradient])
        rule.step()
    assert weight.item() == 1


def test_a_group_may_come_later():
    first, second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    rule = RULES["SGD"]([first], lr=0.5)
    first.grad = second.grad = torch.ones(1)
    rule.step()
    rule.add_param_group({"params": [second]})
    rule.step()
    assert (first.item(), second.item()) == (0, 0.5)
