"""``.safetensors``: each blob is a tensor, and the metadata say which blob of which layer it is.

A net's blobs have the keys that its state dict has for them, ``conv1.weight``; blobs out of Caffe's files,
which know no names, have ``conv1/0``. Files from elsewhere, without our metadata, are read by either kind of
key. A solver's state is in the metadata, its history ``history/0``, ``history/1``, ...
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from netspec.errors import NetspecError, WeightsError
from netspec.weights.files import replacing
from netspec.weights.keys import key, layers_by_key
from netspec.weights.kinds import mix_up
from netspec.weights.layers import LayerBlobs, as_floats, require_distinct
from netspec.weights.state import State, read_trainer
from netspec.weights.wire import Floats

# What says which layers there are, in the order of the net: [{"name", "type", "blobs": {key: number}}], with
# "diffs": {key: number} where a snapshot keeps them.
_METADATA = "netspec"
# What says where a solver stands: {"iter", "current_step", "learned_net", ...}.
_STATE = "netspec_solverstate"
_HISTORY, _DIFF = "history/{}", "{}.diff"
_MINIMUM_LOSS, _LAST_EVENT = "minimum_loss", "iter_last_event"


def holds_state(path: Path) -> bool:
    """Whether the file is a solver's state rather than a net's weights.

    Raises:
        WeightsError: the file is damaged.
    """
    with _reading(path):
        return _STATE in _read(path)[1]


def read_layers(path: Path) -> list[LayerBlobs]:
    """The layers of a file, which stays mapped into memory.

    Raises:
        WeightsError: the file is missing or damaged, or holds tensors of something else than numbers.
    """
    with _reading(path):
        tensors, metadata = _read(path)
        if _STATE in metadata:
            raise mix_up(path, "a net's weights", "a solver's state")
        if _METADATA in metadata:
            return _layers(json.loads(metadata[_METADATA]), tensors)
    return layers_by_key(tensors, str(path))


def write_layers(path: Path, layers: Sequence[LayerBlobs]) -> None:
    """Writes layers, all or nothing.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    require_distinct(layers)
    tensors: dict[str, Floats] = {}
    described = []
    for layer in layers:
        keys = {blob: _key(layer, blob) for blob in layer.blobs}
        entry = {"name": layer.name, "type": layer.type, "blobs": {keys[blob]: blob for blob in keys}}
        if layer.diffs:
            entry["diffs"] = {_DIFF.format(keys[blob]): blob for blob in layer.diffs}
        tensors.update((keys[blob], values) for blob, values in layer.blobs.items())
        tensors.update((_DIFF.format(keys[blob]), values) for blob, values in layer.diffs.items())
        described.append(entry)
    _write(path, tensors, {_METADATA: json.dumps(described)})


def read_state(path: Path) -> State:
    """The state in a file.

    Raises:
        WeightsError: the file is damaged, or holds no solver's state.
    """
    with _reading(path):
        tensors, metadata = _read(path)
        if _STATE not in metadata:
            raise mix_up(path, "a solver's state", "a net's weights")
        said = json.loads(metadata[_STATE])
        trainer = said.get("trainer")
        return State(
            iteration=int(said["iter"]),
            learned_net=str(said["learned_net"]),
            history=[tensors[_HISTORY.format(number)] for number in range(len(tensors))],
            current_step=int(said["current_step"]),
            trainer=None if trainer is None else read_trainer(b64decode(trainer, validate=True), str(path)),
            minimum_loss=float(said[_MINIMUM_LOSS]) if _MINIMUM_LOSS in said else None,
            last_event=int(said[_LAST_EVENT]) if _LAST_EVENT in said else None,
        )


def write_state(path: Path, state: State) -> None:
    """Writes a state, all or nothing.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    said = {
        "iter": state.iteration,
        "current_step": state.current_step,
        "learned_net": state.learned_net,
        "trainer": state.trainer and b64encode(state.trainer.SerializeToString()).decode("ascii"),
        _MINIMUM_LOSS: state.minimum_loss,
        _LAST_EVENT: state.last_event,
    }
    known = {name: value for name, value in said.items() if value is not None}
    tensors = {_HISTORY.format(number): values for number, values in enumerate(state.history)}
    _write(path, tensors, {_STATE: json.dumps(known)})


def _write(path: Path, tensors: Mapping[str, Floats], metadata: dict[str, str]) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    stored = {name: np.asarray(values, order="C") for name, values in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(stored, temporary, {"format": "pt", **metadata})
        except SafetensorError as error:
            raise OSError(str(error)) from error


def _key(layer: LayerBlobs, blob: int | str) -> str:
    return key(layer, layer.names[blob] if isinstance(blob, int) and blob < len(layer.names) else blob)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except NetspecError:
        raise
    except Exception as error:  # the library does not say what a damaged file makes it raise
        message = f"cannot be read as safetensors: {error}"
        raise WeightsError.at(message, file=str(path), help="the file may be truncated") from error


def _read(path: Path) -> tuple[dict[str, Floats], dict[str, str]]:
    """The tensors and the metadata."""
    from safetensors import safe_open

    # As PyTorch's tensors, since NumPy has no bfloat16, and since these are views of the file.
    with safe_open(path, framework="pt") as file:
        tensors = {name: _array(name, file.get_tensor(name), str(path)) for name in file.keys()}  # noqa: SIM118
        return tensors, file.metadata() or {}


def _array(name: str, tensor: Any, file: str) -> Floats:
    short = tensor.is_floating_point() and str(tensor.dtype) not in _NUMPYS
    return as_floats((tensor.float() if short else tensor).numpy(), f"'{name}'", file)


_NUMPYS = ("torch.float16", "torch.float32", "torch.float64")


def _layers(described: Any, tensors: dict[str, Floats]) -> list[LayerBlobs]:
    """The layers as the metadata have them."""
    layers = [_layer(entry, tensors) for entry in described]
    if sum(len(entry["blobs"]) + len(entry.get("diffs", ())) for entry in described) != len(tensors):
        raise ValueError("the metadata tell of other tensors than there are")
    return layers


def _layer(entry: Any, tensors: dict[str, Floats]) -> LayerBlobs:
    name, numbers = str(entry["name"]), {str(key): blob for key, blob in entry["blobs"].items()}
    name.encode()  # what is no text could never be written or printed
    blobs = {blob if isinstance(blob, str) else int(blob): tensors[key] for key, blob in numbers.items()}
    names = tuple(key.removeprefix(f"{name}.") for key in numbers if key.startswith(f"{name}."))
    return LayerBlobs(name, str(entry["type"]), blobs, names=names)
