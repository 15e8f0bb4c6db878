"""Where a solver stands, whatever file says so."""

from __future__ import annotations

from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from netspec.errors import WeightsError
from netspec.schema.messages import TrainerState
from netspec.weights.wire import Floats


@dataclass(slots=True)
class State:
    """A solver between two iterations.

    Attributes:
        iteration: how many updates were made.
        learned_net: the path of the weights, as it was written; empty in a file that does not say.
        history: the update rule's buffers, in the order of the net's learnable blobs; views of the file.
        current_step: how many steps the learning-rate policy took.
        trainer: random state, data positions and recent losses; None in Caffe's own files.
        minimum_loss: the least loss so far, for the policy "plateau"; None where nobody asked.
        last_event: the iteration in which it fell last, or the rate did.
    """

    iteration: int = 0
    learned_net: str = ""
    history: list[Floats] = field(default_factory=list)
    current_step: int = 0
    trainer: TrainerState | None = None
    minimum_loss: float | None = None
    last_event: int | None = None


def read_trainer(data: bytes, file: str) -> TrainerState:
    """What is kept of the trainer, from its binary form.

    Raises:
        WeightsError: it is damaged.
    """
    try:
        return TrainerState.FromString(data)
    except DecodeError as error:
        raise WeightsError.at("expected a trainer's state", file=file, help="the file is damaged") from error
