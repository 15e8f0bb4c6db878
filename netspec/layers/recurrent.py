"""LSTM, GRU and RNN."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.base import Shape, show_shape
from netspec.layers.recurrence import CarryingLayer, State, Weights, gru_sweep, lstm_sweep, rnn_sweep
from netspec.layers.registry import layer

_PARAM = "recurrent_param"


class _Recurrent(CarryingLayer):
    """What they have in common: bottoms, the blobs that lead to the gates, and the states."""

    gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]]

    weight: Tensor
    bias: Tensor
    static_weight: Tensor
    hidden_weight: Tensor

    def setup(self, x: Shape, flags: Shape, *others: Shape) -> None:
        param = self.spec.recurrent_param
        self.size: int = param.num_output
        if not self.size:
            raise self.error("num_output must be at least 1", _PARAM, "num_output")
        self.exposed: bool = param.expose_hidden
        self._check_arity_exposed()
        first_states = others[len(others) - len(self.states) :] if self.exposed else ()
        self.with_static = len(others) > len(first_states)
        self._check_shapes(x, flags, others[0] if self.with_static else None, first_states)
        gates = self.gates * self.size
        self.add_blob((gates, prod(x[2:])), param.weight_filler, name="weight")
        self.add_blob((gates,), param.bias_filler, name="bias")
        if self.with_static:
            self.add_blob((gates, prod(others[0][1:])), param.weight_filler, name="static_weight")
        self.add_blob((gates, self.size), param.weight_filler, name="hidden_weight")
        if not self.exposed:
            self.add_states(self.states, x[1], self.size)

    def _check_arity_exposed(self) -> None:
        names = " and ".join(self.states)
        exposed = len(self.states) if self.exposed else 0
        mode = f"with expose_hidden ({names})" if self.exposed else "without expose_hidden"
        for side, found, least, most in (
            ("bottom", len(self.spec.bottom), 2 + exposed, 3 + exposed),
            ("top", self.num_tops, 1 + exposed, 1 + exposed),
        ):
            if not least <= found <= most:
                wanted = (
                    f"{least} {side}{'s' if least > 1 else ''}"
                    if least == most
                    else f"{least} or {most} {side}s"
                )
                raise self.error(f"takes {wanted} {mode}, not {found}", _PARAM, "expose_hidden")

    def _check_shapes(self, x: Shape, flags: Shape, static: Shape | None, states: tuple[Shape, ...]) -> None:
        if len(x) < 3 or not x[0]:
            raise self.shape_error("the first bottom must be TxNx..: T steps of N streams", "bottom", 0)
        if flags != x[:2]:
            rule = f"there must be one flag for each step of each stream: {show_shape(x[:2])}"
            raise self.shape_error(rule, "bottom", 1)
        if static is not None and (len(static) < 2 or static[0] != x[1]):
            rule = f"the static input must be Nx.., with {x[1]} streams as the first bottom has"
            raise self.shape_error(rule, "bottom", 2)
        expected = (1, x[1], self.size)
        for index, (name, shape) in enumerate(zip(self.states, states, strict=False), 2 + self.with_static):
            if shape != expected:
                raise self.shape_error(f"the first {name} must be {show_shape(expected)}", "bottom", index)

    def forward(self, x: Tensor, flags: Tensor, *others: Tensor) -> Tensor | tuple[Tensor, ...]:
        inputs, weights = self._inputs(x, others), self._weights()
        # In Caffe no gradient passes the border of a batch, not even where the states are blobs.
        first = tuple(state.detach().squeeze(0) for state in others[self.with_static :])
        tops, last = self.sweep(
            inputs, weights, first if self.exposed else self.carried(inputs), flags.detach().unsqueeze(2)
        )
        if self.exposed:
            return (tops, *(state.detach().unsqueeze(0) for state in last))
        self.carry(last)
        return tops

    def sweep(self, x: Tensor, weights: Weights, state: State, flags: Tensor) -> tuple[Tensor, State]:
        """The first top and the last state, see `recurrence`."""
        raise NotImplementedError

    def _inputs(self, x: Tensor, others: tuple[Tensor, ...]) -> Tensor:
        if not self.with_static:
            return x.flatten(2)
        static = others[0].flatten(1).expand(len(x), -1, -1)
        return torch.cat((x.flatten(2), static), 2)

    def _weights(self) -> Weights:
        inputs = torch.cat((self.weight, self.static_weight), 1) if self.with_static else self.weight
        return Weights(inputs, self.hidden_weight, self.bias)


@layer("LSTM", bottoms=(2, 5), tops=(1, 3), labels=(1,))
class LSTM(_Recurrent):
    """Long short-term memory over T steps of N streams: c = f c + i g and h = o tanh(c); the top is h.

    The gates i, f, o (sigmoid) and g (tanh) see W x_t + W_s s + U h_(t-1) + b. Hidden state and cell are
    multiplied by the step's flag before it: 0 where a sequence begins, 1 where it goes on.

    Bottoms: x (T, N, ...); flags (T, N); optionally a static input s (N, ...). With expose_hidden the first
    hidden state and cell follow, (1, N, H) each, and the last ones are two more tops; no gradient passes
    through them. Without, they are carried from one forward to the next, and begin at zero. Top: (T, N, H).
    Blobs: W (4 H, I), b (4 H), W_s (4 H, S) if there is a static input, U (4 H, H). Donahue et al.,
    "Long-term recurrent convolutional networks", 2015.
    """

    gates = 4
    states = ("hidden", "cell")

    def sweep(self, x: Tensor, weights: Weights, state: State, flags: Tensor) -> tuple[Tensor, State]:
        return lstm_sweep(x, weights, state, flags)


@layer("GRU", bottoms=(2, 4), tops=(1, 2), origin="own", labels=(1,))
class GRU(_Recurrent):
    """Gated recurrent unit over T steps of N streams: h = z h + (1 - z) n, the top is h.

    The gates r and z (sigmoid) see W x_t + W_s s + U h_(t-1) + b, and the candidate is
    n = tanh(W x_t + W_s s + b + r (U h_(t-1))). Flags, static input, expose_hidden and the state between
    batches are as for LSTM, without a cell. Blobs: W (3 H, I), b (3 H), W_s (3 H, S) if there is a static
    input, U (3 H, H), with the gates in the order r, z, n. In Lasagne z is what 1 - z is here: its weights
    come with the opposite sign. Cho et al., "Learning phrase representations using RNN encoder-decoder for
    statistical machine translation", 2014.
    """

    gates = 3
    states = ("hidden",)

    def sweep(self, x: Tensor, weights: Weights, state: State, flags: Tensor) -> tuple[Tensor, State]:
        return gru_sweep(x, weights, state, flags)


@layer("RNN", bottoms=(2, 4), tops=(1, 2), labels=(1,))
class RNN(_Recurrent):
    """A plain recurrent net over T steps of N streams: h = tanh(W x + U h + b), the top is tanh(V h + d).

    Flags, static input, expose_hidden and the state between batches are as for LSTM, without a cell.
    Blobs: W (H, I), b (H), W_s (H, S) if there is a static input, U (H, H), V (H, H), d (H).
    """

    gates = 1
    states = ("hidden",)

    output_weight: Tensor
    output_bias: Tensor

    def setup(self, x: Shape, flags: Shape, *others: Shape) -> None:
        super().setup(x, flags, *others)
        param = self.spec.recurrent_param
        self.add_blob((self.size, self.size), param.weight_filler, name="output_weight")
        self.add_blob((self.size,), param.bias_filler, name="output_bias")

    def sweep(self, x: Tensor, weights: Weights, state: State, flags: Tensor) -> tuple[Tensor, State]:
        hidden, last = rnn_sweep(x, weights, state, flags)
        return F.linear(hidden, self.output_weight, self.output_bias).tanh(), last
