"""``.solverstate``: where a solver stands, as a binary `SolverState`, in HDF5 or in safetensors.

What Caffe does not keep, but a resume to the last bit needs, is in a field of our own that Caffe passes over.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from netspec.schema.messages import SolverState
from netspec.weights import hdf5, safetensors
from netspec.weights.blobs import put_blobs, read_blob
from netspec.weights.files import write_atomically
from netspec.weights.kinds import expect_kind, format_for, format_of
from netspec.weights.state import State, read_trainer
from netspec.weights.wire import Parts, put_text

__all__ = ["State", "read_solverstate", "write_solverstate"]

_ITER, _LEARNED_NET, _HISTORY, _CURRENT_STEP, _TRAINER = 1, 2, 3, 4, 770001
_MINIMUM_LOSS, _LAST_EVENT = 5, 6


def read_solverstate(path: str | PathLike[str]) -> State:
    """The state in a ``.solverstate`` of any format, Caffe's or ours.

    Raises:
        WeightsError: the file is missing, damaged, or something else than a solver's state.
    """
    path = Path(path)
    match format_of(path):
        case "HDF5":
            return hdf5.read_state(path)
        case "safetensors":
            return safetensors.read_state(path)
        case _:
            return _read_binary(path)


def write_solverstate(path: str | PathLike[str], state: State) -> None:
    """Writes a state, all or nothing: in HDF5 where the path ends in ``.h5``, in safetensors where it ends in
    ``.safetensors``, else in the binary format.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    path = Path(path)
    match format_for(path):
        case "HDF5":
            hdf5.write_state(path, state)
        case "safetensors":
            safetensors.write_state(path, state)
        case _:
            write_atomically(path, _put_state(state))


def _read_binary(path: Path) -> State:
    state = State()
    for entry in expect_kind(path, "a solver's state").fields():
        if entry.number == _ITER:
            state.iteration = entry.integer()
        elif entry.number == _LEARNED_NET:
            state.learned_net = entry.text()
        elif entry.number == _HISTORY:
            state.history.append(read_blob(entry.message()))
        elif entry.number == _CURRENT_STEP:
            state.current_step = entry.integer()
        elif entry.number == _MINIMUM_LOSS:
            state.minimum_loss = float(entry.floats("<f4").sum())
        elif entry.number == _LAST_EVENT:
            state.last_event = entry.integer()
        elif entry.number == _TRAINER:
            state.trainer = read_trainer(bytes(entry.bytes()), str(path))
    return state


def _put_state(state: State) -> Parts:
    head = SolverState(
        iter=state.iteration,
        current_step=state.current_step,
        minimum_loss=state.minimum_loss,
        iter_last_event=state.last_event,
        trainer=state.trainer,
    )
    # The history is last: where a cut file lacks some of it, what is left tells.
    return [
        head.SerializeToString(),
        *put_text(_LEARNED_NET, state.learned_net),
        *put_blobs(_HISTORY, state.history),
    ]
