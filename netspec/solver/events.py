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
    """Training begins or goes on. ``first`` is the iteration it starts from, ``last`` where it ends.

    ``engine`` says which one runs the train net, and why, where it was left to netspec to choose.
    """

    net: str
    first: int
    last: int
    device: str
    random_seed: int
    lr_policy: str
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark that needs no action, or (``severity`` warning) might: no GPU here, weights loaded."""

    message: str
    severity: Literal["info", "warning"] = "info"


@dataclass(frozen=True, slots=True)
class Iterated:
    """One iteration is done. ``loss`` stays a tensor, so that only who looks waits for the device."""

    iteration: int
    loss: Tensor
    images: int


@dataclass(frozen=True, slots=True)
class Loading:
    """How the train net's data layers kept up: how many images a second their workers made, and for which
    share of the time, 0 to 1, the trainer had to wait for them."""

    images_per_second: float
    waited: float


@dataclass(frozen=True, slots=True)
class Displayed:
    """The solver's ``display``: the smoothed loss and the train net's outputs at this iteration.

    ``seconds`` and ``iterations`` were spent since the previous display; ``rate`` is the learning rate, None
    for the last display, after which no update follows; ``loading`` is there if data layers were asked since.
    """

    iteration: int
    loss: float
    seconds: float
    iterations: int
    display: int
    outputs: tuple[OutputValue, ...]
    rate: float | None
    loading: Loading | None = None


@dataclass(frozen=True, slots=True)
class Transformed:
    """What a spatial transformer of the train net did to the batch of a displayed iteration.

    ``outside`` is the share, 0 to 1, of the samples that it took beyond the image's edges; ``largest`` the
    largest absolute value in theta; ``theta`` the mean of each value over the batch, ``names`` what the
    values are called. They are those that the theta bottom brings, without the ones that the text fixes.
    """

    iteration: int
    layer: str
    outside: float
    largest: float
    theta: tuple[float, ...]
    names: tuple[str, ...]


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
class Restored:
    """Training goes on from a snapshot's state file."""

    iteration: int
    state: Path


@dataclass(frozen=True, slots=True)
class Magnitude:
    """The mean of the absolute values of a blob, or of the gradient with respect to it.

    ``side`` is what the blob is to its layer; ``blob`` its name, or for a param that has none its index.
    """

    layer: str
    side: Literal["top", "bottom", "param"]
    blob: str
    mean: float


@dataclass(frozen=True, slots=True)
class ForwardInspected:
    """``debug_info``: what a forward pass computed, layer after layer.

    ``net`` is the number of the test net, None for the train net.
    """

    iteration: int
    net: int | None
    data: tuple[Magnitude, ...]


@dataclass(frozen=True, slots=True)
class BackwardInspected:
    """``debug_info``: the gradients of the train net's backward pass, from the last layer to the first.

    For a blob that layers share, each of them has the gradient that all have together.
    ``l1`` and ``l2`` are norms over all learnable blobs together, each for the values and the gradients.
    """

    iteration: int
    gradients: tuple[Magnitude, ...]
    l1: tuple[float, float]
    l2: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ParamUpdate:
    """The mean absolute value of a learnable blob before an update, and that of its change by it."""

    layer: str
    param: str
    data: float
    change: float


@dataclass(frozen=True, slots=True)
class UpdateInspected:
    """``debug_info``: how far the update moves each learnable blob."""

    iteration: int
    params: tuple[ParamUpdate, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """Training reached its last iteration, or was asked to stop (``early``)."""

    iteration: int
    seconds: float
    early: bool


Event = (
    Started
    | Notice
    | Iterated
    | Displayed
    | Transformed
    | TestStarted
    | Tested
    | Snapshotted
    | Restored
    | ForwardInspected
    | BackwardInspected
    | UpdateInspected
    | Finished
)
