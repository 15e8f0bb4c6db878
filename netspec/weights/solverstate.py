"""``.solverstate``: where a solver stands, as a binary `SolverState`.

What Caffe does not keep, but a resume to the last bit needs, is in a field of our own that Caffe passes over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from google.protobuf.message import DecodeError

from netspec.errors import WeightsError
from netspec.schema.messages import TrainerState
from netspec.weights.blobs import put_blobs, read_blob
from netspec.weights.files import write_atomically
from netspec.weights.hdf5 import is_hdf5, read_state, write_state
from netspec.weights.kinds import expect_kind
from netspec.weights.wire import Field, Floats, put_bytes, put_integer, put_text

_ITER, _LEARNED_NET, _HISTORY, _CURRENT_STEP, _TRAINER = 1, 2, 3, 4, 770001


@dataclass(slots=True)
class State:
    """A solver between two iterations.

    Attributes:
        iteration: how many updates were made.
        learned_net: the path of the weights, as it was written; empty in a file that does not say.
        history: the update rule's buffers, in the order of the net's learnable blobs; views of the file.
        current_step: how many steps the learning-rate policy took.
        trainer: random state, data positions and recent losses; None in Caffe's own files.
    """

    iteration: int = 0
    learned_net: str = ""
    history: list[Floats] = field(default_factory=list)
    current_step: int = 0
    trainer: TrainerState | None = None


def read_solverstate(path: str | PathLike[str]) -> State:
    """The state in a ``.solverstate`` or ``.solverstate.h5``, Caffe's or ours.

    Raises:
        WeightsError: the file is missing, damaged, or something else than a solver's state.
    """
    if is_hdf5(Path(path)):
        return _read_hdf5(Path(path))
    state = State()
    for entry in expect_kind(Path(path), "a solver's state").fields():
        if entry.number == _ITER:
            state.iteration = entry.integer()
        elif entry.number == _LEARNED_NET:
            state.learned_net = entry.text()
        elif entry.number == _HISTORY:
            state.history.append(read_blob(entry.message()))
        elif entry.number == _CURRENT_STEP:
            state.current_step = entry.integer()
        elif entry.number == _TRAINER:
            state.trainer = _trainer(entry)
    return state


def write_solverstate(path: str | PathLike[str], state: State) -> None:
    """Writes a state, all or nothing: in HDF5 where the path ends in ``.h5``, else in the binary format.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    trainer = None if state.trainer is None else state.trainer.SerializeToString()
    if Path(path).suffix == ".h5":
        write_state(
            Path(path),
            iteration=state.iteration,
            current_step=state.current_step,
            learned_net=state.learned_net,
            history=state.history,
            trainer=trainer,
        )
        return
    parts = [
        *put_integer(_ITER, state.iteration),
        *put_text(_LEARNED_NET, state.learned_net),
        *put_blobs(_HISTORY, state.history),
        *put_integer(_CURRENT_STEP, state.current_step),
    ]
    if trainer is not None:
        parts += put_bytes(_TRAINER, trainer)
    write_atomically(Path(path), parts)


def _read_hdf5(path: Path) -> State:
    iteration, current_step, learned_net, history, trainer = read_state(path)
    try:
        kept = None if trainer is None else TrainerState.FromString(trainer)
    except DecodeError as error:
        raise WeightsError.at("expected a trainer's state", file=str(path)) from error
    return State(iteration, learned_net, history, current_step, kept)


def _trainer(entry: Field) -> TrainerState:
    try:
        return TrainerState.FromString(bytes(entry.bytes()))
    except DecodeError as error:
        raise entry.error("expected a trainer's state") from error
