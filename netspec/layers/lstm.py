"""Lstm."""

from __future__ import annotations

from math import prod

from torch import Tensor

from netspec.layers.base import Shape
from netspec.layers.recurrence import CarryingLayer, Weights, lstm_sweep
from netspec.layers.registry import layer

_PARAM = "lstm_param"


@layer("Lstm", bottoms=(1, 2), tops=1, origin="STN fork", labels=(1,))
class Lstm(CarryingLayer):
    """The forks' own LSTM, on T steps of batch_size streams in one axis: c = f c + i g and h = o tanh(c).

    Bottoms: x (T * N, ...), steps outermost; optionally T * N flags. Top: h, (T * N, H). Where a flag is 0,
    neither the last hidden state nor the last cell counts. With flags a batch begins with the state at the
    end of the one before, through which no gradient passes; without, at zero. A positive clipping_threshold
    bounds the gradient of each gate's input. Blobs: W (4 H, I), U (4 H, H), b (4 H), with the gates in the
    order input, forget, output, candidate. Hochreiter & Schmidhuber, "Long short-term memory", 1997.
    """

    weight: Tensor
    hidden_weight: Tensor
    bias: Tensor

    def setup(self, x: Shape, flags: Shape | None = None) -> None:
        param = self.spec.lstm_param
        self.size, self.streams, self.clip = param.num_output, param.batch_size, param.clipping_threshold
        for field in ("num_output", "batch_size"):
            if not getattr(param, field):
                raise self.error(f"{field} must be at least 1", _PARAM, field)
        if not x or not x[0] or x[0] % self.streams:
            rule = f"the first axis must be a multiple of batch_size, {self.streams}"
            raise self.shape_error(rule, "bottom", 0)
        if flags is not None and prod(flags) != x[0]:
            raise self.shape_error(
                f"as many flags as items are needed: {x[0]}, not {prod(flags)}", "bottom", 1
            )
        self.add_blob((4 * self.size, prod(x[1:])), param.weight_filler, name="weight")
        self.add_blob((4 * self.size, self.size), param.weight_filler, name="hidden_weight")
        self.add_blob((4 * self.size,), param.bias_filler, name="bias")
        if flags is not None:
            self.add_states(("hidden", "cell"), self.streams, self.size)

    def forward(self, x: Tensor, flags: Tensor | None = None) -> Tensor:
        inputs = x.reshape(-1, self.streams, self.weight.shape[1])
        weights = Weights(self.weight, self.hidden_weight, self.bias)
        if flags is None:
            zeros = x.new_zeros(self.streams, self.size)
            tops, _ = lstm_sweep(inputs, weights, (zeros, zeros), clip=self.clip)
        else:
            goes_on = (flags != 0).to(x.dtype).reshape(-1, self.streams, 1)
            tops, last = lstm_sweep(inputs, weights, self.carried(inputs), goes_on, self.clip)
            self.carry(last)
        return tops.flatten(0, 1)
