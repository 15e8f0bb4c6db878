"""The names of pycaffe's own module, for scripts that import them from there."""

from netspec.pycaffe import io
from netspec.pycaffe.nccl import NCCL
from netspec.pycaffe.net import Net
from netspec.pycaffe.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
)
from netspec.pycaffe.timer import Timer

__all__ = [
    "NCCL",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "SGDSolver",
    "Timer",
    "io",
]
