"""What the run-time asks of a source of batches."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


class Stream(Protocol):
    """An endless sequence of batches in which each batch is a function of its number alone.

    That one property gives the rest: any worker may make any batch and the order does not depend on how many
    there are; a position is a number, so a run resumes where it stopped by storing it.
    """

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each tensor of a batch, the batch's own axis first."""
        ...

    def batch(self, index: int) -> tuple[Tensor, ...]:
        """Batch number ``index`` (from 0), float32 tensors on the CPU. Thread-safe.

        Raises:
            DataError: a record is missing or broken.
        """
        ...


@runtime_checkable
class Listed(Protocol):
    """A stream whose batches are made of records that stand somewhere in an order of their own."""

    @property
    def digest(self) -> str:
        """Tells the records and their order from others: a position means something else where this changed.

        Raises:
            DataError: the source is broken.
        """
        ...
