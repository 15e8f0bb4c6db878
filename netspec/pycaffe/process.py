"""What belongs to the process: its log on stderr, and the layer types that it knows."""

from __future__ import annotations

import os
from dataclasses import dataclass

from netspec.cli.log import glog, to_stderr
from netspec.layers.registry import layer_types
from netspec.pycaffe import modes


def _level_of_environment() -> int:
    text = os.environ.get("GLOG_minloglevel", "")  # noqa: SIM112 (glog's own spelling)
    return int(text) if text.isdigit() else 0


_ERRORS = 2


@dataclass
class _Log:
    level: int


_log = _Log(_level_of_environment())


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Says what is logged from now on: 0 all, 1 warnings and errors, 2 errors alone, as without ``stderr``.
    Before the first call it is what the environment's GLOG_minloglevel says."""
    _log.level = level if stderr else max(level, _ERRORS)


def log(message: str) -> None:
    """Writes a line to stderr, with time and process in front."""
    if logs():
        to_stderr(glog(message, "_caffe.cpp:1"))


def warn(message: str) -> None:
    """Writes a line with a warning to stderr."""
    if logs("W"):
        to_stderr(glog(message, "net.cpp:1", "W"))


def logs(severity: str = "I") -> bool:
    """Whether lines of a severity (I, W, E, F) are logged; of several solvers only the first logs."""
    return "IWEF".index(severity) >= _log.level and modes.solver_rank() == 0


def layer_type_list() -> list[str]:
    """The types that layers may have, sorted."""
    return sorted(layer_types())
