"""netspec: networks and solvers written for Caffe, compiled to PyTorch and trained.

The public names are loaded when first used, so that `import netspec` and the command line's help stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspec import stn as stn
    from netspec.compiler.net import Net as Net
    from netspec.compiler.net import compile_net as compile_net
    from netspec.errors import DataError as DataError
    from netspec.errors import NetError as NetError
    from netspec.errors import NetspecError as NetspecError
    from netspec.errors import NotFiniteError as NotFiniteError
    from netspec.errors import ParseError as ParseError
    from netspec.errors import ShapeError as ShapeError
    from netspec.errors import SolverError as SolverError
    from netspec.errors import UsageError as UsageError
    from netspec.errors import WeightsError as WeightsError
    from netspec.schema.document import parse_net as parse_net
    from netspec.schema.document import parse_solver as parse_solver
    from netspec.schema.messages import TEST as TEST
    from netspec.schema.messages import TRAIN as TRAIN
    from netspec.solver.trainer import Solver as Solver
    from netspec.solver.trainer import load_solver as load_solver

__version__ = "0.1.0"

_HOME = {
    "Net": "netspec.compiler.net",
    "compile_net": "netspec.compiler.net",
    "DataError": "netspec.errors",
    "NetError": "netspec.errors",
    "NetspecError": "netspec.errors",
    "NotFiniteError": "netspec.errors",
    "ParseError": "netspec.errors",
    "ShapeError": "netspec.errors",
    "SolverError": "netspec.errors",
    "UsageError": "netspec.errors",
    "WeightsError": "netspec.errors",
    "parse_net": "netspec.schema.document",
    "parse_solver": "netspec.schema.document",
    "TEST": "netspec.schema.messages",
    "TRAIN": "netspec.schema.messages",
    "Solver": "netspec.solver.trainer",
    "load_solver": "netspec.solver.trainer",
}

_MODULES = ("stn",)

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"netspec.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'netspec' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
