"""Loss scaling: gradients of half precision, kept from vanishing."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_FIRST = 2.0**10
_GROWTH, _BACKOFF, _INTERVAL = 2.0, 0.5, 2000


class LossScale:
    """A factor of the loss by which gradients stay above float16's smallest numbers.

    It halves where they overflow, and that update is left out; it doubles after 2000 updates without. Nothing
    but `overflowed` waits for the device.

    P. Micikevicius et al., "Mixed precision training", 2018.
    """

    def __init__(self, device: torch.device) -> None:
        self.factor = torch.full((), _FIRST, device=device)
        self._found = torch.zeros(1, device=device)
        self._since = torch.zeros((), dtype=torch.int32, device=device)

    def get(self) -> tuple[float, int]:
        """The factor, and how many updates in a row have not overflowed with it."""
        return self.factor.item(), int(self._since.item())

    def set(self, factor: float, updates: int) -> None:
        """Goes on from what `get` gave."""
        self.factor.fill_(factor)
        self._since.fill_(updates)

    def unscale(self, grads: Iterable[Tensor | None]) -> None:
        """Takes the factor off gradients, in place, and adapts it."""
        self._found.zero_()
        known = [grad for grad in grads if grad is not None]
        if known:
            # The kernels behind PyTorch's own GradScaler, which keeps notes on the host that a graph cannot.
            inverse = self.factor.reciprocal()
            torch._amp_foreach_non_finite_check_and_unscale_(known, self._found, inverse)
        torch._amp_update_scale_(self.factor, self._since, self._found, _GROWTH, _BACKOFF, _INTERVAL)

    @property
    def overflowed(self) -> bool:
        """Whether the last gradients held a number that is not finite: no update should follow."""
        return bool(self._found.item())
