"""NCCL: the gradients of several processes' solvers, summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import distributed

if TYPE_CHECKING:
    from netspec.pycaffe.solver import Solver


def has_nccl() -> bool:
    """Whether solvers can train together here: whether `torch.distributed` is there and set up."""
    return bool(distributed.is_available() and distributed.is_initialized())


class NCCL:
    """Lets this process's solver train together with those of the others, through `torch.distributed`.

    `bcast` gives all of them the params of the first; `Solver.add_callback` then averages their gradients
    before each update.

    Raises:
        RuntimeError: distributed training is not set up.
    """

    def __init__(self, solver: Solver, uid: bytes) -> None:
        if not has_nccl():
            raise RuntimeError(
                "distributed training is not set up: call torch.distributed.init_process_group in each "
                "process (torchrun starts them) before making a caffe.NCCL"
            )
        self._solver = solver

    @staticmethod
    def new_uid() -> bytes:
        """A name for the group; `torch.distributed` finds its processes by itself."""
        return b"torch.distributed"

    def bcast(self) -> None:
        """Gives all processes the params of the first."""
        with self._solver.net.changing_params():
            for parameter, _ in self._solver.net.gradients():
                distributed.broadcast(parameter.data, 0)

    def on_start(self) -> None:
        """Has nothing to do."""

    def on_gradients_ready(self) -> None:
        """Averages the gradients of all processes."""
        for parameter, memory in self._solver.net.gradients():
            gradient = memory.read(tuple(parameter.shape))
            distributed.all_reduce(gradient)
            memory.put(gradient / distributed.get_world_size())

    def __call__(self, layer: int) -> None:
        """Has nothing to do for a single layer: all are averaged together."""
