"""``.caffemodel.h5`` and ``.solverstate.h5``: the same as the binary files, in HDF5.

A net's blobs are ``data/<layer>/<number>``; a solver's state is ``iter``, ``current_step``, ``learned_net``
and ``history/<number>``. What Caffe does not keep is in a dataset of our own, which Caffe does not look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from netspec.errors import WeightsError
from netspec.weights.files import write_atomically
from netspec.weights.wire import Floats

MAGIC = b"\x89HDF\r\n\x1a\n"
_TRAINER = "netspec_trainer"


def is_hdf5(path: Path) -> bool:
    """Whether there is a file that begins as HDF5 does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_layers(path: Path) -> dict[str, list[Floats]]:
    """The blobs of each layer that has some, by the layer's name.

    Raises:
        WeightsError: the file is damaged, or holds no net's weights.
    """
    with _reading(path) as file:
        blobs: dict[str, dict[str, Any]] = {}

        def note(name: str, item: Any) -> None:
            if hasattr(item, "dtype"):
                layer, _, number = name.rpartition("/")
                blobs.setdefault(layer, {})[number] = item

        _group(file, "data", "a net's weights", path).visititems(note)
        return {layer: _numbered(datasets, path) for layer, datasets in blobs.items()}


def write_layers(path: Path, layers: Mapping[str, Iterable[Floats]]) -> None:
    """Writes the blobs of layers by name, all or nothing; layers without blobs are named too, as Caffe does.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """

    def fill(file: Any) -> None:
        data = file.create_group("data")
        for name, blobs in layers.items():
            group = data.require_group(name)
            for number, blob in enumerate(blobs):
                group.create_dataset(str(number), data=np.asarray(blob, np.float32))

    _write(path, fill)


def read_state(path: Path) -> tuple[int, int, str, list[Floats], bytes | None]:
    """Iteration, current step, the weights' path, the history, and what we keep of the trainer.

    Raises:
        WeightsError: the file is damaged, or holds no solver's state.
    """
    with _reading(path) as file:
        history = _group(file, "history", "a solver's state", path)
        trainer = bytes(file[_TRAINER][()]) if _TRAINER in file else None
        text = file["learned_net"][()]
        learned_net = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        counts = (int(np.asarray(file[name][()]).reshape(-1)[0]) for name in ("iter", "current_step"))
        iteration, current_step = counts
        return iteration, current_step, learned_net, _numbered(dict(history.items()), path), trainer


def write_state(
    path: Path,
    *,
    iteration: int,
    current_step: int,
    learned_net: str,
    history: Iterable[Floats],
    trainer: bytes | None,
) -> None:
    """Writes a state, all or nothing.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """

    def fill(file: Any) -> None:
        file.create_dataset("iter", data=np.array([iteration], np.int32))
        file.create_dataset("current_step", data=np.array([current_step], np.int32))
        text = learned_net.encode()
        file.create_dataset("learned_net", data=np.array(text, f"S{len(text) + 1}"))  # C wants the zero
        group = file.create_group("history")
        for number, blob in enumerate(history):
            group.create_dataset(str(number), data=np.asarray(blob, np.float32))
        if trainer is not None:
            file.create_dataset(_TRAINER, data=np.frombuffer(trainer, np.uint8))

    _write(path, fill)


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, IndexError) as error:
        message = f"cannot be read as HDF5: {str(error).partition(chr(10))[0]}"
        raise WeightsError.at(message, file=str(path), help="the file may be truncated") from error


def _write(path: Path, fill: Callable[[Any], None]) -> None:
    import h5py

    buffer = BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    write_atomically(path, [buffer.getbuffer()])


def _group(file: Any, name: str, kind: str, path: Path) -> Any:
    group = file.get(name)
    if group is None or hasattr(group, "dtype"):
        have = ", ".join(file) or "nothing"
        raise WeightsError.at(f"expected {kind}, with a group '{name}'; this has {have}", file=str(path))
    return group


def _numbered(datasets: Mapping[str, Any], path: Path) -> list[Floats]:
    """Datasets by their numbers, which are their names."""
    if sorted(datasets) != sorted(map(str, range(len(datasets)))):
        names = ", ".join(sorted(datasets)[:4])
        message = f"expected blobs numbered from 0, found {names}"
        raise WeightsError.at(message, file=str(path), help="the file is damaged, or not of Caffe's making")
    arrays = [np.asarray(datasets[str(number)][()]) for number in range(len(datasets))]
    for number, array in enumerate(arrays):
        if array.dtype.kind != "f":
            message = f"blob {number} holds {array.dtype}, not floating-point numbers"
            raise WeightsError.at(message, file=str(path))
    return arrays
