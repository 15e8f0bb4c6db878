"""Nesterov."""

from __future__ import annotations

from typing import Any

import torch

from netspec.solver.rules.base import Rate, Tensors, add_scaled
from netspec.solver.rules.sgd import SGD


class Nesterov(SGD):
    """Nesterov's accelerated gradient: h' = momentum * h + rate * g;
    w = w - ((1 + momentum) * h' - momentum * h).

    The parameters stand where the momentum leads, so that the gradient is taken there. As in `SGD`, the rate
    is inside the buffer h.

    Source: I. Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013,
    section 2, equations 3 and 4.
    """

    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: Rate, group: dict[str, Any]
    ) -> None:
        (history,), momentum = slots, group["momentum"]
        steps = list(torch._foreach_mul(history, -momentum))
        torch._foreach_mul_(history, momentum)
        add_scaled(history, grads, rate)
        add_scaled(steps, history, 1 + momentum)
        torch._foreach_sub_(params, steps)
