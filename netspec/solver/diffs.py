"""What an update subtracts from each blob, which Caffe keeps where the gradient was."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from netspec.solver.rules.base import Rate, Tensors, UpdateRule


def note_diffs(rule: UpdateRule) -> dict[Tensor, Tensor]:
    """What a rule's last update subtracted from each of its parameters, to the last bit: from now on each
    update is made on zeros first, and then as ever."""
    update = rule.update
    diffs: dict[Tensor, Tensor] = {}

    def noting(
        params: Tensors, grads: Tensors, slots: list[Tensors], rate: Rate, group: dict[str, Any]
    ) -> None:
        moves = [torch.zeros_like(param) for param in params]
        update(moves, grads, [[buffer.clone() for buffer in slot] for slot in slots], rate, group)
        diffs.update(zip(params, torch._foreach_neg(moves), strict=True))
        update(params, grads, slots, rate, group)

    rule.update = noting  # type: ignore[method-assign]
    return diffs
