"""A drop-in for pycaffe: ``import netspec.pycaffe as caffe``, or `install` and ``import caffe``.

Names are loaded when first used. See README.md beside this file for what differs from Caffe.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from netspec.pycaffe.install import install

if TYPE_CHECKING:
    from netspec.layers.python_blobs import Layer as Layer
    from netspec.pycaffe.blob import Blob as Blob
    from netspec.pycaffe.classifier import Classifier as Classifier
    from netspec.pycaffe.detector import Detector as Detector
    from netspec.pycaffe.modes import set_device as set_device
    from netspec.pycaffe.modes import set_mode_cpu as set_mode_cpu
    from netspec.pycaffe.modes import set_mode_gpu as set_mode_gpu
    from netspec.pycaffe.modes import set_multiprocess as set_multiprocess
    from netspec.pycaffe.modes import set_random_seed as set_random_seed
    from netspec.pycaffe.modes import set_solver_count as set_solver_count
    from netspec.pycaffe.modes import set_solver_rank as set_solver_rank
    from netspec.pycaffe.modes import solver_count as solver_count
    from netspec.pycaffe.modes import solver_rank as solver_rank
    from netspec.pycaffe.nccl import NCCL as NCCL
    from netspec.pycaffe.nccl import has_nccl as has_nccl
    from netspec.pycaffe.net import Net as Net
    from netspec.pycaffe.net_spec import NetSpec as NetSpec
    from netspec.pycaffe.net_spec import layers as layers
    from netspec.pycaffe.net_spec import params as params
    from netspec.pycaffe.net_spec import to_proto as to_proto
    from netspec.pycaffe.process import init_log as init_log
    from netspec.pycaffe.process import layer_type_list as layer_type_list
    from netspec.pycaffe.process import log as log
    from netspec.pycaffe.solver import AdaDeltaSolver as AdaDeltaSolver
    from netspec.pycaffe.solver import AdaGradSolver as AdaGradSolver
    from netspec.pycaffe.solver import AdamSolver as AdamSolver
    from netspec.pycaffe.solver import NesterovSolver as NesterovSolver
    from netspec.pycaffe.solver import RMSPropSolver as RMSPropSolver
    from netspec.pycaffe.solver import SGDSolver as SGDSolver
    from netspec.pycaffe.solver import get_solver as get_solver
    from netspec.pycaffe.solver import get_solver_from_file as get_solver_from_file
    from netspec.pycaffe.solver import get_solver_from_string as get_solver_from_string
    from netspec.pycaffe.timer import Timer as Timer
    from netspec.schema.messages import TEST as TEST
    from netspec.schema.messages import TRAIN as TRAIN

__version__ = "1.0.0"  # of the Caffe whose interface this is

_HOME = {
    "Layer": "netspec.layers.python_blobs",
    "Blob": "netspec.pycaffe.blob",
    "Classifier": "netspec.pycaffe.classifier",
    "Detector": "netspec.pycaffe.detector",
    "set_device": "netspec.pycaffe.modes",
    "set_mode_cpu": "netspec.pycaffe.modes",
    "set_mode_gpu": "netspec.pycaffe.modes",
    "set_multiprocess": "netspec.pycaffe.modes",
    "set_random_seed": "netspec.pycaffe.modes",
    "set_solver_count": "netspec.pycaffe.modes",
    "set_solver_rank": "netspec.pycaffe.modes",
    "solver_count": "netspec.pycaffe.modes",
    "solver_rank": "netspec.pycaffe.modes",
    "NCCL": "netspec.pycaffe.nccl",
    "has_nccl": "netspec.pycaffe.nccl",
    "Net": "netspec.pycaffe.net",
    "NetSpec": "netspec.pycaffe.net_spec",
    "layers": "netspec.pycaffe.net_spec",
    "params": "netspec.pycaffe.net_spec",
    "to_proto": "netspec.pycaffe.net_spec",
    "Timer": "netspec.pycaffe.timer",
    "init_log": "netspec.pycaffe.process",
    "layer_type_list": "netspec.pycaffe.process",
    "log": "netspec.pycaffe.process",
    "AdaDeltaSolver": "netspec.pycaffe.solver",
    "AdaGradSolver": "netspec.pycaffe.solver",
    "AdamSolver": "netspec.pycaffe.solver",
    "NesterovSolver": "netspec.pycaffe.solver",
    "RMSPropSolver": "netspec.pycaffe.solver",
    "SGDSolver": "netspec.pycaffe.solver",
    "get_solver": "netspec.pycaffe.solver",
    "get_solver_from_file": "netspec.pycaffe.solver",
    "get_solver_from_string": "netspec.pycaffe.solver",
    "TEST": "netspec.schema.messages",
    "TRAIN": "netspec.schema.messages",
}
# The modules that are there as soon as the package is, as in pycaffe.
_MODULES = ("_caffe", "classifier", "detector", "io", "net_spec", "proto", "pycaffe")

__all__ = ["__version__", "install", "io", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})
