"""RMSProp."""

from __future__ import annotations

from typing import Any

from netspec.solver.rules.base import (
    Params,
    Rate,
    Tensors,
    UpdateRule,
    add_scaled,
    average_squares,
    divide_by_root,
)


class RMSProp(UpdateRule):
    """Steps by the recent size of the gradients: h = rms_decay * h + (1 - rms_decay) * g^2;
    w = w - rate * g / (sqrt(h) + delta).

    Source: T. Tieleman and G. Hinton, "Lecture 6.5: RMSProp", Coursera: Neural networks for machine learning,
    2012.
    """

    settings = ("rms_decay", "delta")

    def __init__(
        self, params: Params, *, lr: Rate, rms_decay: float = 0.99, delta: float = 1e-8, **common: Any
    ) -> None:
        super().__init__(params, lr=lr, rms_decay=rms_decay, delta=delta, **common)

    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: Rate, group: dict[str, Any]
    ) -> None:
        (squares,) = slots
        average_squares(squares, grads, group["rms_decay"])
        add_scaled(params, divide_by_root(grads, squares, group["delta"]), -rate)
