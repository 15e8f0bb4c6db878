"""``.caffemodel.h5`` and ``.solverstate.h5``: the same as the binary files, in HDF5.

A net's blobs are ``data/<layer>/<number>``; a solver's state is ``iter``, ``current_step``, ``learned_net``
and ``history/<number>``. What Caffe does not keep is in a dataset of our own, which Caffe does not look at.
Files are made in memory first: on a full disk the HDF5 library ends the process, and the run with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np

from netspec.errors import NetspecError, WeightsError
from netspec.weights.files import write_atomically
from netspec.weights.kinds import Kind, mix_up
from netspec.weights.layers import LayerBlobs, as_floats, numbered, require_distinct
from netspec.weights.state import State, read_trainer
from netspec.weights.wire import Floats

_GROUPS: dict[Kind, str] = {"a net's weights": "data", "a solver's state": "history"}
_TRAINER = "netspec_trainer"
_MINIMUM_LOSS, _LAST_EVENT = "minimum_loss", "iter_last_event"  # the SSD fork's
_COMPRESSION = 1100  # no compression of HDF5 makes numbers smaller than to one part in so many


def holds_state(path: Path) -> bool:
    """Whether the file is a solver's state rather than a net's weights.

    Raises:
        WeightsError: the file is damaged.
    """
    with _reading(path) as file:
        return "history" in file


def read_layers(path: Path) -> list[LayerBlobs]:
    """The layers that have blobs.

    Raises:
        WeightsError: the file is damaged, or holds no net's weights.
    """
    with _reading(path) as file:
        found: dict[str, dict[str, Any]] = {}

        def note(name: str, item: Any) -> None:
            if hasattr(item, "dtype"):
                layer, _, number = name.rpartition("/")
                found.setdefault(layer, {})[number] = item

        _group(file, "a net's weights", path).visititems(note)
        return [
            LayerBlobs(_readable(layer), blobs=dict(_numbered(datasets, path)))
            for layer, datasets in found.items()
        ]


def write_layers(path: Path, layers: Sequence[LayerBlobs]) -> None:
    """Writes layers, all or nothing; those without blobs are named too, as Caffe does.

    Raises:
        WeightsError: the file cannot be written, or HDF5 has no place for a layer of some name; what was
            there before is untouched.
    """
    require_distinct(layers)

    def fill(file: Any) -> None:
        for layer in layers:
            if "\0" in layer.name or {"", "."} & {*layer.name.split("/")}:
                raise ValueError(f"no group can be named '{layer.name}'")
            _put(file.require_group("data").require_group(layer.name), numbered(layer))
            if layer.diffs:
                _put(file.require_group("diff").require_group(layer.name), layer.diffs)

    _write(path, fill)


def read_state(path: Path) -> State:
    """The state in a file, Caffe's or ours.

    Raises:
        WeightsError: the file is damaged, or holds no solver's state.
    """
    with _reading(path) as file:
        history = _group(file, "a solver's state", path)
        text = _values(file["learned_net"], path)
        blobs = dict(_numbered(dict(history.items()), path))
        if list(blobs) != list(range(len(blobs))):
            message = f"expected histories numbered from 0, found {', '.join(map(str, blobs))}"
            raise WeightsError.at(message, file=str(path), help="the file is damaged")
        return State(
            iteration=int(_number(file, "iter", path)),
            learned_net=text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text),
            history=list(blobs.values()),
            current_step=int(_number(file, "current_step", path)),
            trainer=(
                read_trainer(bytes(_values(file[_TRAINER], path)), str(path)) if _TRAINER in file else None
            ),
            minimum_loss=float(_number(file, _MINIMUM_LOSS, path)) if _MINIMUM_LOSS in file else None,
            last_event=int(_number(file, _LAST_EVENT, path)) if _LAST_EVENT in file else None,
        )


def write_state(path: Path, state: State) -> None:
    """Writes a state, all or nothing.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """

    def fill(file: Any) -> None:
        file["iter"] = np.array([state.iteration], np.int32)
        file["current_step"] = np.array([state.current_step], np.int32)
        text = state.learned_net.encode()
        file["learned_net"] = np.array(text, f"S{len(text) + 1}")  # C wants the zero
        _put(file.create_group("history"), dict(enumerate(state.history)))
        if state.trainer is not None:
            file[_TRAINER] = np.frombuffer(state.trainer.SerializeToString(), np.uint8)
        if state.minimum_loss is not None:
            file[_MINIMUM_LOSS] = np.array([state.minimum_loss], np.float32)
        if state.last_event is not None:
            file[_LAST_EVENT] = np.array([state.last_event], np.int32)

    _write(path, fill)


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except NetspecError:
        raise
    except Exception as error:  # a damaged file makes h5py raise whatever came to its authors' minds
        message = f"cannot be read as HDF5: {str(error).partition(chr(10))[0]}"
        raise WeightsError.at(message, file=str(path), help="the file may be truncated") from error


def _write(path: Path, fill: Callable[[Any], None]) -> None:
    import h5py

    buffer = BytesIO()
    try:
        with h5py.File(buffer, "w") as file:
            fill(file)
    except (ValueError, TypeError) as error:  # names that HDF5 cannot hold, or not side by side
        help = "groups are named like layers, their datasets 0, 1, ...: other formats hold any names"
        raise WeightsError.at(f"cannot be written as HDF5: {error}", file=str(path), help=help) from error
    write_atomically(path, [buffer.getbuffer()])


def _put(group: Any, blobs: Mapping[int, Floats]) -> None:
    for number, blob in blobs.items():
        group.create_dataset(str(number), data=_storable(blob))


def _group(file: Any, kind: Kind, path: Path) -> Any:
    name = _GROUPS[kind]
    group = file.get(name)
    if group is None and (found := next((kind for kind in _GROUPS if _GROUPS[kind] in file), None)):
        raise mix_up(path, kind, found)
    if group is None or hasattr(group, "dtype"):
        have = ", ".join(map(_readable, file)) or "nothing"
        raise WeightsError.at(f"expected {kind}, with a group '{name}'; this has {have}", file=str(path))
    return group


def _numbered(datasets: Mapping[str, Any], path: Path) -> Iterator[tuple[int, Floats]]:
    """Datasets by their numbers, which are their names."""
    wrong = [name for name in datasets if not (name.isascii() and name.isdigit() and str(int(name)) == name)]
    if wrong:
        names = ", ".join(_readable(name) for name in sorted(datasets)[:4])
        message = f"expected blobs numbered from 0, found {names}"
        raise WeightsError.at(message, file=str(path), help="the file is damaged, or not of Caffe's making")
    for number in sorted(map(int, datasets)):
        yield number, as_floats(_values(datasets[str(number)], path), f"blob {number}", str(path))


def _number(file: Any, name: str, path: Path) -> Any:
    return np.asarray(_values(file[name], path)).reshape(-1)[0]


def _values(dataset: Any, path: Path) -> Any:
    """What a dataset holds, once it is clear that it is in the file: what is not would be zeros, and a
    damaged shape might ask for any amount of memory."""
    name = f"'{_readable(dataset.name)}'"
    if dataset.shape is None or dataset.is_virtual or dataset.external:
        raise WeightsError.at(f"{name} keeps no numbers in this file", file=str(path))
    size, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    compressed = dataset.id.get_create_plist().get_nfilters() > 0
    if size > stored * (_COMPRESSION if compressed else 1) or _lacks_chunks(dataset):
        message = f"{name} is of the shape {list(dataset.shape)}, but the file holds {stored} bytes of it"
        raise WeightsError.at(message, file=str(path), help="was its writing interrupted?")
    return dataset[()]


def _lacks_chunks(dataset: Any) -> bool:
    if dataset.chunks is None:
        return False
    count = prod(ceil(dim / chunk) for dim, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    return bool(dataset.id.get_num_chunks() < count)


def _storable(blob: Floats) -> Floats:
    return blob if blob.dtype == np.float64 else np.asarray(blob, np.float32)


def _readable(name: str) -> str:
    """A name without the marks of bytes that are no UTF-8, which nothing could write or print."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
