"""Which records each process of a distributed run reads."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch.distributed

from netspec.errors import DataError


@dataclass(frozen=True, slots=True)
class Share:
    """One of ``size`` processes that read a source together: record r of the run goes to rank r mod ``size``.

    Each rank makes batches of the size that the text gives, so together they read ``size`` times as fast, and
    an epoch's records are each read by one of them, in whichever batch the epoch ends.
    """

    rank: int = 0
    size: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.size:
            message = f"there is no rank {self.rank} among {self.size} processes"
            raise DataError.at(message, help="RANK counts from 0 up to WORLD_SIZE less 1")

    def records(self, batch: int, batch_size: int, skip: int = 0) -> range:
        """The numbers, in the whole run, of the records in a batch of this rank; ``skip`` are left out."""
        first = skip + batch * batch_size * self.size + self.rank
        return range(first, first + batch_size * self.size, self.size)

    def batch(self, batch: int) -> int:
        """The number, in the whole run, of a batch of this rank, where batches are not made of records."""
        return batch * self.size + self.rank


def current_share() -> Share:
    """This process's share: by torch.distributed once that is initialised, before by RANK and WORLD_SIZE of
    the environment, as torchrun sets them; all of it where there is neither.

    Raises:
        DataError: the two variables are no numbers, or do not go together.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return Share(torch.distributed.get_rank(), torch.distributed.get_world_size())
    rank, size = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if rank is None or size is None:
        return Share()
    if not (rank.isdecimal() and size.isdecimal()):
        message = f"RANK and WORLD_SIZE in the environment are no numbers: '{rank}' and '{size}'"
        raise DataError.at(message, help="torchrun sets them; unset both to run alone")
    return Share(int(rank), int(size))
