"""AdaDelta."""

from __future__ import annotations

from typing import Any

import torch

from netspec.solver.rules.base import Params, Rate, Tensors, UpdateRule, add_scaled, average_squares


class AdaDelta(UpdateRule):
    """Steps in the units of the parameters: with h the running average of g^2 and s that of the steps u^2,
    u = g * sqrt((s + delta) / (h + delta)); w = w - rate * u.

    ``momentum`` is the decay of both averages. The rate is not inside the steps that are averaged.

    Source: M. D. Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1.
    """

    slots = ("squares", "step_squares")
    settings = ("momentum", "delta")

    def __init__(
        self, params: Params, *, lr: Rate = 1.0, momentum: float = 0.95, delta: float = 1e-8, **common: Any
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, delta=delta, **common)

    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: Rate, group: dict[str, Any]
    ) -> None:
        (squares, step_squares), delta = slots, group["delta"]
        average_squares(squares, grads, group["momentum"])
        steps = list(torch._foreach_add(step_squares, delta))
        torch._foreach_div_(steps, torch._foreach_add(squares, delta))
        torch._foreach_sqrt_(steps)
        torch._foreach_mul_(steps, grads)
        average_squares(step_squares, steps, group["momentum"])
        add_scaled(params, steps, -rate)
