"""Batches out of arrays that the program hands over."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netspec.errors import DataError
from netspec.text.source import Span


class MemoryBatches:
    """A stream over arrays that may be replaced: batches of them in turn, over and over.

    Batch number i of the run depends on the arrays that are there when it is drawn: the first that is drawn
    after `reset` begins at their first row. So no batch may be drawn ahead of its time.

    Args:
        shape: (N, C, H, W) of a batch.
        name: what messages call the layer.
        span: what errors point at.
    """

    def __init__(self, shape: tuple[int, ...], *, name: str = "data", span: Span | None = None) -> None:
        self._shape, self._name, self._span = shape, name, span
        self._held: tuple[Tensor, Tensor] | None = None
        self._first: int | None = None
        self._lock = Lock()

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(N, C, H, W) and (N,)."""
        return self._shape, self._shape[:1]

    def reset(self, data: Any, labels: Any) -> None:
        """Hands over images (M, C, H, W) and M labels, tensors or arrays; M is a multiple of N.

        They are not copied where they are float32 already.

        Raises:
            DataError: the shapes do not fit.
        """
        images, classes = _tensor(data), _tensor(labels)
        n, rows = self._shape[0], len(images) if images.ndim else 0
        if tuple(images.shape[1:]) != self._shape[1:] or not rows or rows % n:
            wanted = "x".join(map(str, self._shape[1:]))
            message = f"expected data Mx{wanted}, M a multiple of batch_size {n}"
            raise self._error(f"{message}, found {'x'.join(map(str, images.shape)) or 'a scalar'}")
        if classes.numel() != rows:
            raise self._error(f"expected {rows} labels, one per image, found {classes.numel()}")
        with self._lock:
            self._held, self._first = (images, classes.reshape(rows)), None

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        """The next rows of the arrays, images and labels.

        Raises:
            DataError: there are none yet.
        """
        with self._lock:
            if self._held is None:
                help = "call reset(data, labels) of the layer, or feed its tops"
                raise self._error("has no data yet", help)
            self._first = index if self._first is None else self._first
            (images, labels), n = self._held, self._shape[0]
            start = (index - self._first) * n % len(images)
        return images[start : start + n], labels[start : start + n]

    def _error(self, message: str, help: str | None = None) -> DataError:
        return DataError.at(f"layer '{self._name}' (MemoryData): {message}", self._span, help=help)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())


def _tensor(given: Any) -> Tensor:
    if isinstance(given, Tensor):
        return given.detach().to("cpu", torch.float32)
    return torch.from_numpy(np.require(given, np.float32, ("C", "W")))
