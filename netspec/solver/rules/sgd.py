"""SGD."""

from __future__ import annotations

from typing import Any

import torch

from netspec.solver.rules.base import Params, Rate, Tensors, UpdateRule, add_scaled


class SGD(UpdateRule):
    """Stochastic gradient descent with momentum: h = momentum * h + rate * g; w = w - h.

    Unlike in `torch.optim.SGD` the rate is inside the buffer h: after a change of rate the old steps go on at
    the old one.

    Source: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; as in
    A. Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section 5.
    """

    settings = ("momentum",)
    rate_in_history = True

    def __init__(self, params: Params, *, lr: Rate, momentum: float = 0.0, **common: Any) -> None:
        super().__init__(params, lr=lr, momentum=momentum, **common)

    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: Rate, group: dict[str, Any]
    ) -> None:
        (history,) = slots
        torch._foreach_mul_(history, group["momentum"])
        add_scaled(history, grads, rate)
        torch._foreach_sub_(params, history)
