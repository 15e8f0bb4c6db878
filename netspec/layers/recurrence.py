"""Sweeps over time, for the layers LSTM, GRU, RNN and Lstm.

Sequences are (T, N, ...), T steps of N streams; states are (N, H). ``flags`` (T, N, 1) scale the state
before each step: 0 where a stream begins a sequence, 1 where it goes on. The gates of an LSTM stand in
Caffe's order: input, forget, output, candidate; those of a GRU in PyTorch's: reset, update, candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Layer
from netspec.layers.lstm_unit import lstm_unit

State = tuple[Tensor, ...]

# PyTorch's kernel prepares its weights at each call: below this many steps per call, single steps are faster.
_LEAST_RUN = 4


class Weights(NamedTuple):
    """From input and hidden state to G gates, (G H, I), (G H, H), (G H): 1 in an RNN, 3 in a GRU, else 4."""

    input: Tensor
    hidden: Tensor
    bias: Tensor


def rnn_sweep(x: Tensor, weights: Weights, state: State, flags: Tensor) -> tuple[Tensor, State]:
    """The hidden states h_t = tanh(W x_t + U h_(t-1) + b), (T, N, H), and the last one as the state.

    On the CPU `torch.rnn_tanh` is the same loop and no faster, so that there is one way only.
    """
    (hidden,), recurrent, tops = state, weights.hidden.t(), []
    for gate, flag in zip(F.linear(x, weights.input, weights.bias).unbind(), flags.unbind(), strict=True):
        hidden = torch.addmm(gate, hidden * flag, recurrent).tanh()
        tops.append(hidden)
    return torch.stack(tops), (hidden,)


def lstm_sweep(
    x: Tensor, weights: Weights, state: State, flags: Tensor | None = None, clip: float = 0
) -> tuple[Tensor, State]:
    """The hidden states of an LSTM, (T, N, H), and the last hidden state and cell.

    Between two steps at which a flag differs from 1, PyTorch's fused kernel runs: over all T at best.

    Args:
        x: the inputs, (T, N, I).
        weights: for the four gates.
        state: hidden state and cell before the first step.
        flags: None for sequences that all go on.
        clip: if positive, bounds the gradients of the gates before their non-linearity.
    """
    begins = None if clip > 0 else _begins(x, flags)
    if begins is None:
        return _lstm_stepwise(x, weights, state, flags, clip)
    arranged = _as_torch_has_them(weights)

    def run(steps: Tensor, before: list[Tensor]) -> tuple[Tensor, ...]:
        return torch.lstm(steps, before, arranged, True, 1, 0.0, torch.is_grad_enabled(), False, False)

    return _fused(run, x, state, flags, begins)


def gru_sweep(x: Tensor, weights: Weights, state: State, flags: Tensor | None = None) -> tuple[Tensor, State]:
    """The hidden states of a GRU, (T, N, H), and the last one; the arguments are `lstm_sweep`'s."""
    begins = _begins(x, flags)
    if begins is None:
        return _gru_stepwise(x, weights, state, flags)
    arranged = [*weights, torch.zeros_like(weights.bias)]

    def run(steps: Tensor, before: list[Tensor]) -> tuple[Tensor, ...]:
        return torch.gru(steps, before[0], arranged, True, 1, 0.0, torch.is_grad_enabled(), False, False)

    return _fused(run, x, state, flags, begins)


def _begins(x: Tensor, flags: Tensor | None) -> list[int] | None:
    """The first step, and those before which the flags change the state.

    None where single steps are the way: if these are many; if reading the flags would make the host wait for
    the device or break a compiler's graph; and under autocast on the CPU, whose kernel needs a processor with
    half precision.
    """
    on_cpu = x.device.type == "cpu"
    if torch.compiler.is_compiling() or (on_cpu and torch.is_autocast_enabled("cpu")):
        return None
    if flags is None:
        return [0]
    if not on_cpu:
        return None
    scaled = (flags[1:] != 1).flatten(1).any(1)
    begins = [0, *(scaled.nonzero().flatten() + 1).tolist()]
    return begins if len(begins) * _LEAST_RUN <= max(len(x), _LEAST_RUN) else None


def _fused(
    run: Callable[[Tensor, list[Tensor]], tuple[Tensor, ...]],
    x: Tensor,
    state: State,
    flags: Tensor | None,
    begins: Sequence[int],
) -> tuple[Tensor, State]:
    """Sweeps by PyTorch's kernel, which takes steps and the states before them, from begin to begin."""
    tops = []
    for begin, end in zip(begins, (*begins[1:], len(x)), strict=True):
        if flags is not None:
            state = tuple(value * flags[begin] for value in state)
        top, *after = run(x[begin:end], [value.unsqueeze(0) for value in state])
        state = tuple(value.squeeze(0) for value in after)
        tops.append(top)
    return tops[0] if len(tops) == 1 else torch.cat(tops), state


def _as_torch_has_them(weights: Weights) -> list[Tensor]:
    """The weights with the gates in the order input, forget, candidate, output, and a second bias of zeros.

    They are views of one piece of memory, which is how cuDNN takes them without a copy of its own.
    """
    size = weights.hidden.shape[1]
    ordered = [
        (first, candidate, output)
        for first, output, candidate in (torch.split(blob, [2 * size, size, size]) for blob in weights)
    ]
    zeros = torch.zeros_like(weights.bias)
    flat = torch.cat([part.flatten() for part in (*chain.from_iterable(ordered), zeros)])
    shapes = [*(blob.shape for blob in weights), zeros.shape]
    pieces = torch.split(flat, [shape.numel() for shape in shapes])
    return [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _lstm_stepwise(
    x: Tensor, weights: Weights, state: State, flags: Tensor | None, clip: float
) -> tuple[Tensor, State]:
    (hidden, cell), recurrent, tops = state, weights.hidden.t(), []
    for step, inputs in enumerate(F.linear(x, weights.input, weights.bias).unbind()):
        if flags is not None:
            hidden, cell = hidden * flags[step], cell * flags[step]
        gates = torch.addmm(inputs, hidden, recurrent)
        if clip > 0:
            gates = _ClippedGradient.apply(gates, clip)  # type: ignore[no-untyped-call]
        hidden, cell = lstm_unit(gates, cell)
        tops.append(hidden)
    return torch.stack(tops), (hidden, cell)


def _gru_stepwise(x: Tensor, weights: Weights, state: State, flags: Tensor | None) -> tuple[Tensor, State]:
    (hidden,), recurrent, tops = state, weights.hidden.t(), []
    for step, inputs in enumerate(F.linear(x, weights.input, weights.bias).unbind()):
        if flags is not None:
            hidden = hidden * flags[step]
        (reset, update, new), (by_reset, by_update, by_new) = (
            gates.chunk(3, 1) for gates in (inputs, hidden @ recurrent)
        )
        candidate = (new + (reset + by_reset).sigmoid() * by_new).tanh()
        hidden = candidate + (update + by_update).sigmoid() * (hidden - candidate)
        tops.append(hidden)
    return torch.stack(tops), (hidden,)


class _ClippedGradient(torch.autograd.Function):
    """The identity, whose gradient is held between -bound and bound."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: float) -> Tensor:
        ctx.bound = bound
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad.clamp(-ctx.bound, ctx.bound), None


class CarryingLayer(Layer):
    """A layer whose next forward begins where the last one ended, without a gradient between the two.

    The states are buffers outside the state dict. They begin at zero, and do so again when the number of
    streams changes.
    """

    def add_states(self, names: Sequence[str], streams: int, size: int) -> None:
        """Creates the states, (streams, size) each."""
        self.state_names = tuple(names)
        for name in names:
            self.register_buffer(name, torch.zeros(streams, size), persistent=False)

    def carried(self, x: Tensor) -> State:
        """The states to begin with, for as many streams as ``x`` (T, N, ...) has, of its type."""
        states = (getattr(self, name) for name in self.state_names)
        streams = x.shape[1]
        return tuple(
            state.to(x.dtype) if len(state) == streams else x.new_zeros(streams, state.shape[1])
            for state in states
        )

    def carry(self, state: State) -> None:
        """Keeps the states for the next forward."""
        for name, value in zip(self.state_names, state, strict=True):
            setattr(self, name, value.detach())
