"""`Timer`."""

from __future__ import annotations

from time import perf_counter

import torch

from netspec.pycaffe import modes


class Timer:
    """Measures the time between `start` and `stop`, a GPU's work included."""

    def __init__(self) -> None:
        self._begin: float | None = None
        self._ms = 0.0

    def start(self) -> None:
        """Starts, or starts anew."""
        self._begin = _now()

    def stop(self) -> None:
        """Stops; nothing where it does not run."""
        if self._begin is not None:
            self._ms, self._begin = _now() - self._begin, None

    @property
    def ms(self) -> float:
        """Milliseconds from the start to the stop; stops, where it runs."""
        self.stop()
        return self._ms


def _now() -> float:
    if modes.device().type == "cuda":
        torch.cuda.synchronize(modes.device())
    return perf_counter() * 1e3
