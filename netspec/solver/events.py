"""What a trainer tells whoever listens. It prints nothing itself: logs, bars and plots are made of these."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor


@dataclass(frozen=True, slots=True)
class OutputValue:
    """One number of a net's output blobs; an output blob of k elements gives k of them."""

    blob: str
    value: float
    loss_weight: float


@dataclass(frozen=True, slots=True)
class Started:
    """Training begins or goes on. ``first`` is the iteration it starts from, ``last`` where it ends."""

    net: str
    first: int
    last: int
    device: str
    random_seed: int
    lr_policy: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark that needs no action, or (``severity`` warning) might: no GPU here, a snapshot restored."""

    message: str
    severity: Literal["info", "warning"] = "info"


@dataclass(frozen=True, slots=True)
class Iterated:
    """One iteration is done. ``loss`` stays a tensor, so that only who looks waits for the device."""

    iteration: int
    loss: Tensor
    images: int


@dataclass(frozen=True, slots=True)
class Displayed:
    """The solver's ``display``: the smoothed loss and the train net's outputs at this iteration.

    ``seconds`` and ``iterations`` were spent since the previous display; ``rate`` is the learning rate, None
    for the last display, after which no update follows.
    """

    iteration: int
    loss: float
    seconds: float
    iterations: int
    display: int
    outputs: tuple[OutputValue, ...]
    rate: float | None


@dataclass(frozen=True, slots=True)
class TestStarted:
    """A test net starts on its ``test_iter`` batches."""

    iteration: int
    net: int
    batches: int


@dataclass(frozen=True, slots=True)
class Tested:
    """A test net's outputs, averaged over its batches; ``loss`` only where ``test_compute_loss`` is set."""

    iteration: int
    net: int
    outputs: tuple[OutputValue, ...]
    loss: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Snapshotted:
    """Both files of a snapshot lie complete on the disk."""

    iteration: int
    weights: Path
    state: Path


@dataclass(frozen=True, slots=True)
class Finished:
    """Training reached its last iteration, or was asked to stop (``early``)."""

    iteration: int
    seconds: float
    early: bool


Event = Started | Notice | Iterated | Displayed | TestStarted | Tested | Snapshotted | Finished
