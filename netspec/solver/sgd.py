"""Update rules: Caffe's way from a gradient to a step, as `torch.optim.Optimizer`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from netspec.schema.messages import SolverParameter

Tensors = list[Tensor]


class LearnableParam(Protocol):
    """A learnable blob of a net."""

    @property
    def parameter(self) -> nn.Parameter:
        """The blob itself."""
        ...

    @property
    def lr_mult(self) -> float:
        """Its own factor of the learning rate."""
        ...

    @property
    def decay_mult(self) -> float:
        """Its own factor of the weight decay."""
        ...


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

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        *,
        lr: float,
        weight_decay: float = 0.0,
        regularization_type: str = "L2",
        clip_gradients: float = -1.0,
        iter_size: int = 1,
        **own: float,
    ) -> None:
        self.regularization_type = regularization_type
        self.clip_gradients = clip_gradients
        self.iter_size = iter_size
        defaults = {"lr": lr, "weight_decay": weight_decay, "lr_mult": 1.0, "decay_mult": 1.0, **own}
        super().__init__(params, defaults)

    @abstractmethod
    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: float, group: dict[str, Any]
    ) -> None:
        """Moves ``params`` by what the rule makes of their gradients, which it must leave as they are.

        Args:
            params: the parameters of one group.
            grads: their gradients, regularised.
            slots: for each of the rule's `slots`, its buffers.
            rate: the learning rate times ``lr_mult``.
            group: the group's options.
        """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Makes one update from the parameters' ``.grad``, which stay as they are. Waits for no device."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        moving = [(group, group["params"]) for group in self.param_groups if group["lr_mult"]]
        grads = self._clip([self._gradients(params) for _, params in moving])
        for (group, params), raw in zip(moving, grads, strict=True):
            rate = group["lr"] * group["lr_mult"]
            slots = [[self._slots(param)[slot] for param in params] for slot in self.slots]
            self.update(params, self._regularise(params, raw, group), slots, rate, group)
        return loss

    def history(self, params: Sequence[nn.Parameter]) -> Tensors:
        """The buffers of ``params``, slot after slot, each in the given order: as Caffe saves them. They are
        the buffers themselves, so that a snapshot may be copied into them."""
        return [self._slots(param)[slot] for slot in self.slots for param in params]

    def _slots(self, param: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[param]
        if not state:
            state.update({slot: torch.zeros_like(param) for slot in self.slots})
        return state

    @staticmethod
    def _gradients(params: Iterable[Tensor]) -> Tensors:
        return [torch.zeros_like(param) if param.grad is None else param.grad for param in params]

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


class SGD(UpdateRule):
    """Stochastic gradient descent with momentum: h = momentum * h + rate * g; w = w - h.

    Unlike in `torch.optim.SGD` the rate is inside the buffer h: after a change of rate the old steps go on at
    the old one.
    """

    settings = ("momentum",)

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.0,
        **common: Any,
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, **common)

    def update(
        self, params: Tensors, grads: Tensors, slots: list[Tensors], rate: float, group: dict[str, Any]
    ) -> None:
        (history,) = slots
        torch._foreach_mul_(history, group["momentum"])
        torch._foreach_add_(history, grads, alpha=rate)
        torch._foreach_sub_(params, history)


def _scaled(grads: Tensors, factor: float) -> Tensors:
    return grads if factor == 1 else list(torch._foreach_mul(grads, factor))


RULES: dict[str, type[UpdateRule]] = {"SGD": SGD}
"""The update rules by the solver's ``type``."""


def make_rule(type: str, param: SolverParameter, learnable: Iterable[LearnableParam]) -> UpdateRule:
    """The update rule that a solver asks for, over a net's learnable blobs."""
    cls = RULES[type]
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for blob in learnable:
        groups.setdefault((blob.lr_mult, blob.decay_mult), []).append(blob.parameter)
    # PyTorch refuses to optimise nothing, unless it comes as a group.
    by_factors = groups or {(0.0, 0.0): []}
    return cls(
        [
            {"params": params, "lr_mult": lr, "decay_mult": decay}
            for (lr, decay), params in by_factors.items()
        ],
        lr=param.base_lr,
        weight_decay=param.weight_decay,
        regularization_type=param.regularization_type,
        clip_gradients=param.clip_gradients,
        iter_size=param.iter_size,
        **{name: getattr(param, name) for name in cls.settings},
    )
