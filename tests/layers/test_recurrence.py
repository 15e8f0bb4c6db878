"""The ways of sweeping over time give the same, whichever is chosen."""

import numpy as np
import pytest
import torch
from torch import nn

from netspec.layers import recurrence
from netspec.layers.recurrence import Weights, gru_sweep, lstm_sweep, rnn_sweep

T, N, K, H = 8, 3, 5, 4
FLAGS = {
    "none": None,
    "ones": np.ones((T, N)),
    "zeros first": np.array([[0.0] * N] + [[1.0] * N] * (T - 1)),
    "one break": np.array([[0.0] * N] + [[1.0] * N] * 4 + [[0.0, 1, 0.5]] + [[1.0] * N] * 2),
    "all breaks": np.zeros((T, N)),
}


@pytest.fixture(params=FLAGS)
def flags(request):
    flags = FLAGS[request.param]
    return None if flags is None else torch.from_numpy(flags).unsqueeze(-1)


@pytest.fixture
def weights(randn):
    return Weights(randn(4 * H, K), randn(4 * H, H), randn(4 * H))


@pytest.fixture
def state(randn):
    return randn(N, H), randn(N, H)


@pytest.fixture
def fused(monkeypatch):
    """The lengths of the runs that PyTorch's kernel did."""
    runs, kernel = [], torch.lstm
    monkeypatch.setattr(torch, "lstm", lambda x, *rest: runs.append(len(x)) or kernel(x, *rest))
    return runs


def _grads(outcome, leaves):
    tops, states = outcome
    total = sum(
        (value * torch.linspace(-1, 2, value.numel()).view_as(value)).sum() for value in (tops, *states)
    )
    return torch.autograd.grad(total, leaves)


def _begins(flags):
    """The first step, and all before which a state is scaled."""
    return [0] + [step for step in range(1, T) if flags is not None and (flags[step] != 1).any()]


@pytest.mark.parametrize("sweep", [lstm_sweep, gru_sweep])
def test_stepwise_and_fused_agree(randn, monkeypatch, weights, state, flags, sweep):
    x = randn(T, N, K)
    if sweep is gru_sweep:
        weights, state = Weights(*(blob[: 3 * H] for blob in weights)), state[:1]
    leaves = [x, *weights, *state]
    outcomes = []
    for begins in (None, _begins(flags)):
        monkeypatch.setattr(recurrence, "_begins", lambda x, flags, begins=begins: begins)
        outcomes.append(sweep(x, weights, state, flags))
    stepwise, fused = outcomes
    torch.testing.assert_close(fused, stepwise)
    torch.testing.assert_close(_grads(fused, leaves), _grads(stepwise, leaves))


@pytest.mark.parametrize(
    ("name", "runs"),
    [("none", [T]), ("ones", [T]), ("zeros first", [T]), ("one break", [5, 3]), ("all breaks", [])],
)
def test_the_kernel_runs_between_breaks(randn, weights, state, fused, name, runs):
    flags = FLAGS[name]
    flags = None if flags is None else torch.from_numpy(flags).unsqueeze(-1)
    lstm_sweep(randn(T, N, K), weights, state, flags)
    assert fused == runs


def test_short_sequences_in_one_run(randn, weights, state, fused):
    for steps in (1, 2, 3):
        lstm_sweep(randn(steps, N, K), weights, state, torch.ones(steps, N, 1))
    assert fused == [1, 2, 3]


def test_clipping_goes_step_by_step(randn, weights, state, fused):
    lstm_sweep(randn(T, N, K), weights, state, None, 1.0)
    assert fused == []


def test_against_torch_lstm(randn, weights, state):
    """The gates stand in another order there."""
    x = randn(T, N, K)
    module = nn.LSTM(K, H).double()
    parameters = module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0
    with torch.no_grad():
        for parameter, blob in zip(parameters, weights, strict=True):
            i, f, o, g = blob.chunk(4)
            parameter.copy_(torch.cat([i, f, g, o]))
        module.bias_hh_l0.zero_()
    expected, (hidden, cell) = module(x, tuple(value.unsqueeze(0) for value in state))
    tops, last = lstm_sweep(x, weights, state)
    torch.testing.assert_close((tops, *last), (expected, hidden[0], cell[0]))


def test_gru_against_torch_gru(randn, state):
    x, weights = randn(T, N, K), Weights(randn(3 * H, K), randn(3 * H, H), randn(3 * H))
    module = nn.GRU(K, H).double()
    with torch.no_grad():
        for name, blob in zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"), weights, strict=True):
            getattr(module, name).copy_(blob)
        module.bias_hh_l0.zero_()
    expected, last = module(x, state[0].unsqueeze(0))
    for flags in (None, torch.ones(T, N, 1), torch.full((T, N, 1), 1.0).double()):
        tops, (hidden,) = gru_sweep(x, weights, state[:1], flags)
        torch.testing.assert_close((tops, hidden), (expected, last[0]))


def test_rnn_against_torch_rnn(randn):
    x, weights, first = randn(T, N, K), Weights(randn(H, K), randn(H, H), randn(H)), randn(N, H)
    blobs = [*weights, torch.zeros_like(weights.bias)]
    expected, last = torch.rnn_tanh(x, first.unsqueeze(0), blobs, True, 1, 0.0, True, False, False)
    tops, (hidden,) = rnn_sweep(x, weights, (first,), torch.ones(T, N, 1))
    torch.testing.assert_close((tops, hidden), (expected, last[0]))


def test_the_gradient_of_the_gates_is_bounded(randn, weights, state):
    """With a gradient of 1000 at the last hidden state, the bias of one step gets at most the bound."""
    x, flags = randn(1, N, K), torch.ones(1, N, 1)
    free, bounded = (
        torch.autograd.grad(lstm_sweep(x, weights, state, flags, clip)[0].sum() * 1000, weights.bias)[0]
        for clip in (0.0, 0.25)
    )
    assert free.abs().max() > 10
    assert bounded.abs().max() <= N * 0.25
    assert (bounded.abs() > 0.25).any()


def test_a_large_bound_changes_nothing(randn, weights, state, flags):
    x = randn(T, N, K)
    leaves = [x, *weights, *state]
    free, bounded = (lstm_sweep(x, weights, state, flags, clip) for clip in (0.0, 1e6))
    torch.testing.assert_close(_grads(bounded, leaves), _grads(free, leaves))


def test_under_autocast(randn, weights, state):
    x, weights = randn(T, N, K).float(), Weights(*(blob.detach().float() for blob in weights))
    state = tuple(value.detach().float() for value in state)
    expected, _ = lstm_sweep(x, weights, state)
    with torch.autocast("cpu", torch.bfloat16):
        tops, _ = lstm_sweep(x, weights, state)
    torch.testing.assert_close(tops.float(), expected, rtol=0, atol=0.05)
