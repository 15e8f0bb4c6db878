"""AdaGrad."""

from __future__ import annotations

from typing import Any

import torch

from netspec.solver.rules.base import Params, Rate, Tensors, UpdateRule, add_scaled, divide_by_root


class AdaGrad(UpdateRule):
    """Steps that shrink with all past gradients: h = h + g^2; w = w - rate * g / (sqrt(h) + delta).

    Source: J. Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization",
    2011, figure 1.
    """

    settings = ("delta",)

    def __init__(self, params: Params, *, lr: Rate, delta: float = 1e-8, **common: Any) -> None:
        super().__init__(params, lr=lr, delta=delta, **common)

    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: Rate, group: dict[str, Any]
    ) -> None:
        (squares,) = slots
        torch._foreach_addcmul_(squares, grads, grads)
        add_scaled(params, divide_by_root(grads, squares, group["delta"]), -rate)
