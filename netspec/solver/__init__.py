"""Training: a solver file's settings, its update rule and learning rate, the loop, snapshots, events."""

from netspec.solver.settings import Settings, load_settings
from netspec.solver.sgd import SGD, UpdateRule
from netspec.solver.trainer import Solver, load_solver

__all__ = ["SGD", "Settings", "Solver", "UpdateRule", "load_settings", "load_solver"]
