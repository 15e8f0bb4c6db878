"""What all update rules share: Caffe's way from raw gradients to what a rule sees, and its history."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Tensors = list[Tensor]
Params = Iterable[nn.Parameter] | Iterable[dict[str, Any]]
Rate = float | Tensor

_COMMON = ("regularization_type", "clip_gradients", "iter_size")


class UpdateRule(Optimizer):
    """What all of Caffe's solvers do alike, in Caffe's order: clip, normalise, regularise; then `update`.

    Usable with any PyTorch model. Parameters come as `torch.optim.Optimizer` takes them; a group may have its
    own ``lr_mult`` and ``decay_mult``. A parameter without a gradient counts as one whose gradient is zero.

    Args:
        params: parameters, or groups of them as dictionaries.
        lr: the learning rate; assign to a group's ``"lr"`` to change it.
        weight_decay: the strength of the regularisation.
        regularization_type: "L2" adds decay * w to the gradient, "L1" decay * sign(w).
        clip_gradients: an upper bound for the L2 norm of all gradients together; negative means none.
        iter_size: how many backward passes the gradients have summed up; clipping comes before the division.
    """

    slots: ClassVar[tuple[str, ...]] = ("history",)
    """The buffers that the rule keeps for each parameter, in the order in which Caffe saves them."""

    settings: ClassVar[tuple[str, ...]] = ()
    """The rule's own options, named as in `SolverParameter`."""

    rate_in_history: ClassVar[bool] = False
    """Whether the history is of steps, not of gradients: then parameters with lr_mult 0 have none."""

    def __init__(
        self,
        params: Params,
        *,
        lr: Rate,
        weight_decay: float = 0.0,
        regularization_type: str = "L2",
        clip_gradients: float = -1.0,
        iter_size: int = 1,
        **own: float,
    ) -> None:
        self.regularization_type = regularization_type
        self.clip_gradients = clip_gradients
        self.iter_size = iter_size
        common = {"lr": lr, "weight_decay": weight_decay, "lr_mult": 1.0, "decay_mult": 1.0, "iteration": 0}
        super().__init__(params, {**common, **own})

    @abstractmethod
    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: Rate, group: dict[str, Any]
    ) -> None:
        """Moves ``params`` by what the rule makes of their gradients, which it must leave as they are.

        Args:
            params: the parameters of one group.
            grads: their gradients, regularised.
            slots: for each of the rule's `slots`, its buffers.
            rate: what `rates` gave for the group.
            group: the group's options.
        """

    @property
    def iteration(self) -> int:
        """How many updates were made; to be assigned where training goes on from a snapshot."""
        count: int = self.param_groups[0]["iteration"]
        return count

    @iteration.setter
    def iteration(self, count: int) -> None:
        for group in self.param_groups:
            group["iteration"] = count

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Makes one update from the parameters' ``.grad``, which stay as they are. Waits for no device."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.apply(self.rates())
        self.iteration += 1
        return loss

    def rates(self) -> list[Rate]:
        """What each group's next step is multiplied by: all that changes from one iteration to the next."""
        return [group["lr"] * group["lr_mult"] * self.correction(group) for group in self.param_groups]

    def correction(self, group: dict[str, Any]) -> float:
        """The rule's own factor of the rate in this iteration."""
        return 1.0

    @torch.no_grad()
    def apply(self, rates: Sequence[Rate]) -> None:
        """The update at these rates, in operations of the device alone.

        Rates may be scalar tensors on the device, so that a captured CUDA graph of it reads new ones.
        """
        moving = [entry for entry in zip(self._plan(), rates, strict=True) if self._moves(entry[0][0])]
        grads = self._clip([_gradients(params) for (_, params, _), _ in moving])
        for ((group, params, slots), rate), raw in zip(moving, grads, strict=True):
            self.update(params, self._regularise(params, raw, group), slots, rate, group)

    def history(self, params: Sequence[nn.Parameter]) -> Tensors:
        """The buffers of ``params``, slot after slot, each in the given order: as Caffe saves them. They are
        the buffers themselves, so that a snapshot may be copied into them."""
        return [self._slots(param)[slot] for slot in self.slots for param in params]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        self._planned: list[tuple[dict[str, Any], Tensors, list[Tensors]]] | None = None
        super().add_param_group(param_group)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), **{name: getattr(self, name) for name in _COMMON}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Also the end of load_state_dict, which brings new buffers and groups.
        super().__setstate__(state)
        self._planned = None

    def _plan(self) -> list[tuple[dict[str, Any], Tensors, list[Tensors]]]:
        """Each group with its parameters and their buffers, by slot."""
        if self._planned is None:
            self._planned = [
                (
                    group,
                    group["params"],
                    [[self._slots(param)[slot] for param in group["params"]] for slot in self.slots],
                )
                for group in self.param_groups
            ]
        return self._planned

    def _moves(self, group: dict[str, Any]) -> bool:
        return bool(group["params"] and (group["lr_mult"] or not self.rate_in_history))

    def _slots(self, param: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[param]
        if not state:
            state.update({slot: torch.zeros_like(param) for slot in self.slots})
        return state

    def _clip(self, groups: list[Tensors]) -> list[Tensors]:
        """Scales all gradients where their common norm is too large, and divides them by iter_size."""
        flat = [grad for grads in groups for grad in grads]
        if self.clip_gradients < 0 or not flat:
            return [_scaled(grads, 1 / self.iter_size) for grads in groups]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(flat)))
        # The tiny number keeps 0 / 0 from a bound of zero; the factor stays a tensor, so nobody waits for it.
        factor = (self.clip_gradients / norm.clamp_min(1e-30)).clamp_max(1.0) / self.iter_size
        return [list(torch._foreach_mul(grads, factor)) for grads in groups]

    def _regularise(self, params: Tensors, grads: Tensors, group: dict[str, Any]) -> Tensors:
        decay = group["weight_decay"] * group["decay_mult"]
        if not decay:
            return grads
        slopes = params if self.regularization_type == "L2" else list(torch._foreach_sign(params))
        return list(torch._foreach_add(grads, slopes, alpha=decay))


def add_scaled(targets: Tensors, sources: Tensors, factor: Rate) -> None:
    """Adds factor * sources to the targets, in place."""
    if isinstance(factor, Tensor):
        torch._foreach_add_(targets, torch._foreach_mul(sources, factor))
    else:
        torch._foreach_add_(targets, sources, alpha=factor)


def average_squares(averages: Tensors, values: Tensors, decay: float) -> None:
    """Moves running averages of squares on, in place: a = decay * a + (1 - decay) * v^2."""
    torch._foreach_mul_(averages, decay)
    torch._foreach_addcmul_(averages, values, values, value=1 - decay)


def divide_by_root(values: Tensors, squares: Tensors, delta: float) -> Tensors:
    """values / (sqrt(squares) + delta)."""
    roots = torch._foreach_sqrt(squares)
    torch._foreach_add_(roots, delta)
    return list(torch._foreach_div(values, roots))


def _gradients(params: Iterable[Tensor]) -> Tensors:
    return [torch.zeros_like(param) if param.grad is None else param.grad for param in params]


def _scaled(grads: Tensors, factor: float) -> Tensors:
    return grads if factor == 1 else list(torch._foreach_mul(grads, factor))
