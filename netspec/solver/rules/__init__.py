"""Update rules: Caffe's ways from a gradient to a step, each a `torch.optim.Optimizer`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from torch import nn

from netspec.schema.messages import SolverParameter
from netspec.solver.rules.adadelta import AdaDelta
from netspec.solver.rules.adagrad import AdaGrad
from netspec.solver.rules.adam import Adam
from netspec.solver.rules.base import UpdateRule
from netspec.solver.rules.nesterov import Nesterov
from netspec.solver.rules.rmsprop import RMSProp
from netspec.solver.rules.sgd import SGD

__all__ = [
    "RULES",
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "LearnableParam",
    "Nesterov",
    "RMSProp",
    "UpdateRule",
    "make_rule",
]

RULES: dict[str, type[UpdateRule]] = {
    rule.__name__: rule for rule in (SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam)
}
"""The update rules by the solver's ``type``, in the order of the old ``solver_type``."""


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
