"""LSTMUnit."""

from __future__ import annotations

import torch
from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


def lstm_unit(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: the next hidden state and the next cell, both (..., H).

    Args:
        gates: the gates before their non-linearity, (..., 4 H): input, forget, output, candidate.
        cell: the last cell, (..., H).
    """
    size = cell.shape[-1]
    opened, candidate = torch.split(gates, [3 * size, size], -1)
    # One call for the three sigmoids: a step is short, and its calls are what it costs.
    take, keep, show = opened.sigmoid().chunk(3, -1)
    cell = keep * cell + take * candidate.tanh()
    return show * cell.tanh(), cell


@layer("LSTMUnit", bottoms=3, tops=2, labels=(2,))
class LSTMUnit(Layer):
    """One step of an LSTM, without its weights: c = flag f c_prev + i g and h = o tanh(c).

    Bottoms: c_prev (1, N, H); the inputs of the gates (1, N, 4 H), in the order i, f, o (sigmoid) and g
    (tanh); flags (1, N), 0 where a sequence begins and 1 where it goes on. Tops: c and h, both (1, N, H).
    """

    def setup(self, c_prev: Shape, gates: Shape, flags: Shape) -> None:
        if len(c_prev) != 3 or c_prev[0] != 1:
            raise self.shape_error("c_prev must be 1xNxH", "bottom", 0)
        if gates != (*c_prev[:2], 4 * c_prev[2]):
            raise self.shape_error("the gates need 4 numbers for each of c_prev's: 1xNx4H", "bottom", 1)
        if flags != c_prev[:2]:
            raise self.shape_error("there must be one flag for each item: 1xN", "bottom", 2)

    def forward(self, c_prev: Tensor, gates: Tensor, flags: Tensor) -> tuple[Tensor, Tensor]:
        hidden, cell = lstm_unit(gates, flags.detach().unsqueeze(-1) * c_prev)
        return cell, hidden
