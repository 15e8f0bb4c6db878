"""What Caffe keeps for a whole process: the device, the random numbers, the place among several solvers."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import torch

_log = logging.getLogger("netspec.pycaffe")


@dataclass
class _Modes:
    device_id: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    solver_count: int = 1
    solver_rank: int = 0
    multiprocess: bool = False


_modes = _Modes()


def set_mode_cpu() -> None:
    """Lets nets compute on the CPU."""
    _modes.device = torch.device("cpu")


def set_mode_gpu() -> None:
    """Lets nets compute on the GPU of `set_device`; on the CPU, with a remark, where PyTorch finds none."""
    if torch.cuda.is_available():
        _modes.device = torch.device("cuda", _modes.device_id)
    else:
        _log.warning("PyTorch finds no CUDA device: computing on the CPU")


def set_device(device_id: int) -> None:
    """Chooses the GPU; it takes `set_mode_gpu` to use it.

    Raises:
        RuntimeError: there are GPUs, but not that many.
    """
    count = torch.cuda.device_count()
    if device_id < 0 or (count and device_id >= count):
        raise RuntimeError(f"there is no GPU {device_id}: PyTorch finds {count}, counted from 0")
    _modes.device_id = device_id
    if _modes.device.type == "cuda":
        _modes.device = torch.device("cuda", device_id)


def device() -> torch.device:
    """Where nets compute by now."""
    return _modes.device


def set_random_seed(seed: int) -> None:
    """Seeds what fillers, data layers and layers such as Dropout draw."""
    torch.manual_seed(seed)


def solver_count() -> int:
    """How many solvers train together."""
    return _modes.solver_count


def set_solver_count(count: int) -> None:
    """Says how many solvers train together, in as many processes."""
    _modes.solver_count = int(count)


def solver_rank() -> int:
    """Which of the solvers this process runs; 0 is the one that logs and writes snapshots."""
    return _modes.solver_rank


def set_solver_rank(rank: int) -> None:
    """Says which of the solvers this process runs."""
    _modes.solver_rank = int(rank)


def set_multiprocess(multiprocess: bool) -> None:
    """Says that the solvers are processes; PyTorch knows no other way, so it changes nothing."""
    _modes.multiprocess = bool(multiprocess)
