"""The learning rate of an iteration, by the policies of Caffe's solvers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from struct import pack, unpack

from netspec.schema.messages import SolverParameter

Policy = Callable[[SolverParameter, int, int], float]


def _fixed(param: SolverParameter, iteration: int, step: int) -> float:
    return param.base_lr


def _step(param: SolverParameter, iteration: int, step: int) -> float:
    return param.base_lr * _power(param.gamma, step)


def _exp(param: SolverParameter, iteration: int, step: int) -> float:
    return param.base_lr * _power(param.gamma, iteration)


def _inv(param: SolverParameter, iteration: int, step: int) -> float:
    return param.base_lr * _power(1 + param.gamma * iteration, -param.power)


def _poly(param: SolverParameter, iteration: int, step: int) -> float:
    # Beyond max_iter a caller's own loop stays at zero, where the power of a negative number would not exist.
    return param.base_lr * _power(max(0.0, 1 - iteration / param.max_iter), param.power)


def _sigmoid(param: SolverParameter, iteration: int, step: int) -> float:
    # 1 / (1 + exp(-x)) written so that no exponential overflows.
    return param.base_lr * 0.5 * (1 + math.tanh(param.gamma * (iteration - param.stepsize) / 2))


POLICIES: dict[str, Policy] = {
    "fixed": _fixed,
    "step": _step,
    "exp": _exp,
    "inv": _inv,
    "multistep": _step,
    "poly": _poly,
    "sigmoid": _sigmoid,
    "plateau": _step,
}

NEEDS: dict[str, tuple[str, ...]] = {
    "step": ("gamma", "stepsize"),
    "exp": ("gamma",),
    "inv": ("gamma", "power"),
    "multistep": ("gamma", "stepvalue"),
    "poly": ("power", "max_iter"),
    "sigmoid": ("gamma", "stepsize"),
    "plateau": ("gamma", "plateau_winsize"),
}
"""Which fields a policy reads besides ``base_lr``."""


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:  # zero to a negative power, or a negative number to a fraction, which C calls NaN too
        return math.inf if base == 0 else math.nan


def learning_rate(param: SolverParameter, iteration: int, step: int) -> float:
    """The rate of an iteration, before any ``lr_mult``. ``step`` is what `current_step` gave for it."""
    return POLICIES[param.lr_policy](param, iteration, step)


def current_step(param: SolverParameter, iteration: int, previous: int) -> int:
    """How often the rate was multiplied by ``gamma`` up to an iteration; ``previous`` times before it.

    The policies ``step`` and ``multistep`` count here; ``plateau`` does in `Plateau`. ``multistep`` takes
    at most one step per iteration, as in Caffe, where a solver that resumes long after two step values goes
    down twice in its first two iterations.
    """
    if param.lr_policy == "step":
        return iteration // param.stepsize
    if param.lr_policy == "multistep":
        due = previous < len(param.stepvalue) and iteration >= param.stepvalue[previous]
        return previous + due
    return previous


@dataclass(frozen=True, slots=True)
class Plateau:
    """What the SSD fork's policy ``plateau`` remembers.

    Attributes:
        minimum_loss: the least smoothed loss so far, a float32 as in a state's file.
        last_event: the iteration in which it fell last, or the rate did.
    """

    minimum_loss: float = 1e38
    last_event: int = 0

    def after(self, param: SolverParameter, iteration: int, step: int, loss: float) -> tuple[int, Plateau]:
        """The step of an iteration with this smoothed loss, and what to remember: the rate goes down where
        nothing happened for ``plateau_winsize`` iterations, of which each step has its own number."""
        (loss,) = unpack("<f", pack("<f", loss)) if abs(loss) < 1e38 else (loss,)
        seen = Plateau(loss, iteration) if loss < self.minimum_loss else self
        if step == len(param.plateau_winsize) or iteration < seen.last_event + param.plateau_winsize[step]:
            return step, seen
        return step + 1, Plateau(seen.minimum_loss, iteration)
