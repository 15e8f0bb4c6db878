"""The same numbers in every run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from netspec.errors import NetError

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_UNKNOWN = "does not have a deterministic implementation"


@contextmanager
def deterministic(wanted: bool = True) -> Iterator[None]:
    """While inside, PyTorch takes the algorithms that give the same numbers in every run, if ``wanted``.

    Raises:
        NetError: an operation inside has no such algorithm.
    """
    if not wanted:
        yield
        return
    cudnn = torch.backends.cudnn
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with ExitStack() as stack:
        before = torch.are_deterministic_algorithms_enabled()
        stack.callback(torch.use_deterministic_algorithms, before, warn_only=warn_only)
        for name, value in (("benchmark", False), ("deterministic", True)):
            stack.callback(setattr, cudnn, name, getattr(cudnn, name))
            setattr(cudnn, name, value)
        torch.use_deterministic_algorithms(True)
        os.environ.setdefault(_WORKSPACE, ":4096:8")  # read when cuBLAS starts, and never again
        try:
            yield
        except RuntimeError as error:
            if _UNKNOWN not in str(error):
                raise
            message = f"{str(error).partition(_UNKNOWN)[0].strip()} has no deterministic algorithm here"
            raise NetError.at(message, help="run without deterministic, or on the CPU") from error
