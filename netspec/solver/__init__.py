"""Training: a solver file's settings, its update rule and learning rate, the loop, snapshots, events."""

from netspec.solver.rules import SGD, AdaDelta, AdaGrad, Adam, Nesterov, RMSProp, UpdateRule
from netspec.solver.settings import Settings, load_settings
from netspec.solver.trainer import Solver, load_solver

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "Nesterov",
    "RMSProp",
    "Settings",
    "Solver",
    "UpdateRule",
    "load_settings",
    "load_solver",
]
