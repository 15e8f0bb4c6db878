"""Adam."""

from __future__ import annotations

import math
from typing import Any

import torch

from netspec.solver.rules.base import (
    Params,
    Rate,
    Tensors,
    UpdateRule,
    add_scaled,
    average_squares,
    divide_by_root,
)


class Adam(UpdateRule):
    """Adaptive moments: m = momentum * m + (1 - momentum) * g; v = momentum2 * v + (1 - momentum2) * g^2;
    w = w - rate * c * m / (sqrt(v) + delta), in update t (from 1) with
    c = sqrt(1 - momentum2^t) / (1 - momentum^t).

    Unlike in `torch.optim.Adam`, delta is added to the root of v before its correction, which is a part of c.

    Source: D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", 2015, the end of section 2.
    """

    slots = ("mean", "squares")
    settings = ("momentum", "momentum2", "delta")

    def __init__(
        self,
        params: Params,
        *,
        lr: Rate = 0.001,
        momentum: float = 0.9,
        momentum2: float = 0.999,
        delta: float = 1e-8,
        **common: Any,
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, momentum2=momentum2, delta=delta, **common)

    def correction(self, group: dict[str, Any]) -> float:
        """c: what makes up for both averages having started at zero."""
        count: int = group["iteration"] + 1
        mean, squares = (1.0 - float(group[decay]) ** count for decay in ("momentum", "momentum2"))
        return math.sqrt(squares) / mean

    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: Rate, group: dict[str, Any]
    ) -> None:
        (mean, squares), momentum = slots, group["momentum"]
        torch._foreach_mul_(mean, momentum)
        add_scaled(mean, grads, 1 - momentum)
        average_squares(squares, grads, group["momentum2"])
        add_scaled(params, divide_by_root(mean, squares, group["delta"]), -rate)
