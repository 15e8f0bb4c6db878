"""The names of pycaffe's extension module, for scripts that import them from there."""

from netspec.layers.python_blobs import Layer
from netspec.pycaffe import __version__
from netspec.pycaffe.blob import Blob, BlobVec, IntVec
from netspec.pycaffe.modes import (
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_multiprocess,
    set_random_seed,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from netspec.pycaffe.nccl import NCCL, has_nccl
from netspec.pycaffe.net import Net
from netspec.pycaffe.process import init_log, layer_type_list, log
from netspec.pycaffe.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    Solver,
    get_solver,
)
from netspec.pycaffe.timer import Timer
from netspec.schema.messages import LayerParameter, SolverParameter

__all__ = [
    "NCCL",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "BlobVec",
    "IntVec",
    "Layer",
    "LayerParameter",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "SGDSolver",
    "Solver",
    "SolverParameter",
    "Timer",
    "__version__",
    "get_solver",
    "has_nccl",
    "init_log",
    "layer_type_list",
    "log",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
]
