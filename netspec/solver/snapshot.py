"""Snapshots: the weights in one file, where the solver stands in another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from netspec.data.feed import Feed
from netspec.errors import WeightsError
from netspec.graph.graph import Node
from netspec.schema.messages import DataPosition, SolverParameter, TrainerState
from netspec.solver.lr_policy import Plateau
from netspec.solver.rules import RULES
from netspec.text.suggest import one_of
from netspec.weights import (
    LayerBlobs,
    State,
    read_solverstate,
    read_weights,
    write_solverstate,
    write_weights,
)
from netspec.weights.blobs import fits
from netspec.weights.files import clear_leftovers, together
from netspec.weights.loading import layers_of
from netspec.weights.wire import Floats

if TYPE_CHECKING:
    from netspec.solver.trainer import Solver

_SUFFIXES: dict[int, str] = {
    SolverParameter.BINARYPROTO: "",
    SolverParameter.HDF5: ".h5",
    SolverParameter.SAFETENSORS: ".safetensors",
}
_STATE_NAME = r"_iter_(\d+)\.solverstate(\.h5|\.safetensors)?"


class Pair(NamedTuple):
    """The files of a snapshot."""

    weights: Path
    state: Path


# Writing ------------------------------------------------------------------------------------------------


def save_solver(solver: Solver) -> Pair:
    """Writes ``<prefix>_iter_<n>.caffemodel`` and the ``.solverstate`` that names it, with the ending ``.h5``
    or ``.safetensors`` where the solver's ``snapshot_format`` asks for it.

    Both lie complete on the disk before the first takes its name.

    Raises:
        WeightsError: a file cannot be written; what was there before is untouched.
    """
    stem = f"{solver.settings.prefix}_iter_"
    suffix = _SUFFIXES[solver.settings.message.snapshot_format]
    clear_leftovers(Path(stem))
    names = (f"{stem}{solver.iteration}.{kind}{suffix}" for kind in ("caffemodel", "solverstate"))
    pair = Pair(*map(Path, names))
    with together() as staged:
        write_weights(pair.weights, _layers(solver), solver.net.graph.name)
        write_solverstate(pair.state, _state(solver, pair.weights, _digest(staged[pair.weights])))
    return pair


def _layers(solver: Solver) -> list[LayerBlobs]:
    layers = layers_of(solver.net)
    if not solver.settings.message.snapshot_diff:
        return layers
    diffs: dict[Node, dict[int, Floats]] = {}
    for param in solver.net.graph.params:
        owner = param.owner or param
        blob, shape = owner.node.layer.blobs[owner.index], param.node.layer.blobs[param.index].shape
        diff = solver.diffs.get(blob, torch.zeros_like(blob))
        diffs.setdefault(param.node, {})[param.index] = _array(diff.detach().view(shape))
    nodes = solver.net.graph.nodes
    return [replace(layer, diffs=diffs.get(node, {})) for node, layer in zip(nodes, layers, strict=True)]


def _state(solver: Solver, weights: Path, digest: str) -> State:
    params = [blob.parameter for blob in solver.net.learnable_params]
    history = [_array(buffer) for buffer in solver.rule.history(params)]
    watches = solver.settings.message.lr_policy == "plateau"
    loss_scale, updates_at_scale = (None, None) if solver.scale is None else solver.scale.get()
    return State(
        iteration=solver.iteration,
        learned_net=str(weights),
        history=history,
        current_step=solver.current_step,
        minimum_loss=solver.plateau.minimum_loss if watches else None,
        last_event=solver.plateau.last_event if watches else None,
        trainer=TrainerState(
            smoothed_losses=[float(loss) for loss in solver.losses],
            random_seed=solver.random_seed,
            torch_rng_state=solver.random.to_bytes(),
            data_position=[
                DataPosition(net=net, layer=layer, position=feed.position, digest=feed.digest or None)
                for net, layer, feed in _feeds(solver)
            ],
            type=solver.settings.type,
            weights_digest=digest,
            history_digest=_history_digest(history),
            loss_scale=loss_scale,
            updates_at_scale=updates_at_scale,
        ),
    )


def _array(buffer: Tensor) -> Floats:
    values: Floats = buffer.float().cpu().numpy()
    return values


# Reading ------------------------------------------------------------------------------------------------


def restore_solver(solver: Solver, path: Path) -> list[str]:
    """Puts a solver where a state file says, after checking that it fits.

    Returns:
        What is not as it was when the snapshot was written, so that the run is not the one that was stopped.

    Raises:
        WeightsError: a file is missing, damaged, or of another net or solver.
    """
    state = read_solverstate(path)
    if state.iteration < 0 or state.current_step < 0:
        message = f"expected counts, not iteration {state.iteration} and step {state.current_step}"
        raise WeightsError.at(message, file=str(path), help="the file is damaged")
    remarks = _check_history(solver, state, path)
    weights = _learned_net(state, path)
    remarks += _alterations(state, weights)
    solver.net.load_weights(weights)
    params = [blob.parameter for blob in solver.net.learnable_params]
    with torch.no_grad():
        for buffer, values in zip(solver.rule.history(params), state.history, strict=True):
            buffer.copy_(torch.from_numpy(np.array(values)).view(buffer.shape))
    solver.iteration, solver.current_step = state.iteration, state.current_step
    if state.minimum_loss is not None:
        solver.plateau = Plateau(state.minimum_loss, state.last_event or 0)
    solver.losses.clear()
    return remarks if state.trainer is None else [*remarks, *_restore_trainer(solver, state.trainer, path)]


def newest_snapshot(prefix: str) -> tuple[Path | None, list[str]]:
    """The state file of the latest snapshot under a prefix that is complete and undamaged, if there is one,
    and what is wrong with those that are later."""
    stem, problems = Path(prefix), []
    for path in _by_age(stem.parent, re.compile(re.escape(stem.name) + _STATE_NAME)):
        try:
            state = read_solverstate(path)
            weights = _learned_net(state, path)
            read_weights(weights)
        except WeightsError as error:
            found = error.diagnostics[0]
            problems.append(f"{found.file or path}: {found.message}")
            continue
        if not (altered := _alterations(state, weights)):
            return path, problems
        problems += altered
    return None, problems


def _by_age(folder: Path, name: re.Pattern[str]) -> list[Path]:
    """The files of such names, the latest iteration first; of one iteration, what was written last."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if match := name.fullmatch(path.name):
            found.append((int(match[1]), path.stat().st_mtime_ns, path))
    return [path for *_, path in sorted(found, reverse=True)]


def _check_history(solver: Solver, state: State, path: Path) -> list[str]:
    """Raises where a history is not of this update rule and net; else what is doubtful about it."""
    remarks = _check_rule(solver, state, path)
    slots, blobs = solver.rule.slots, solver.net.learnable_params
    names = [blob.name for _ in slots for blob in blobs]
    shapes = [tuple(blob.parameter.shape) for _ in slots for blob in blobs]
    help = "resume with the solver and the net that wrote the snapshot"
    for name, want, have in zip(names, shapes, state.history, strict=False):
        if not fits(have.shape, want):
            message = (
                f"a snapshot of another net: the history of '{name}' has the shape {list(have.shape)} in it, "
            )
            raise WeightsError.at(f"{message}but {list(want)} in the net", file=str(path), help=help)
    if len(state.history) != len(shapes):
        message = (
            f"a snapshot of another net or solver: it has {len(state.history)} histories, not {len(shapes)}"
        )
        raise WeightsError.at(message, file=str(path), help=help)
    return remarks


def _check_rule(solver: Solver, state: State, path: Path) -> list[str]:
    mine, shapes = RULES[solver.settings.type], [blob.parameter.shape for blob in solver.net.learnable_params]
    slots, rest = divmod(len(state.history), len(shapes)) if shapes else (0, 0)
    written = RULES.get(state.trainer.type) if state.trainer else None
    if slots != len(mine.slots) and not rest and _fit(state.history, shapes * slots):
        likely = [
            name for name, rule in RULES.items() if written in (rule, None) and len(rule.slots) == slots
        ]
        found = f"{len(state.history)} histories, {slots} for each of the net's {len(shapes)} learnable blobs"
        message = f"a snapshot of another solver: it has {found}; {mine.__name__} keeps {len(mine.slots)}"
        raise _other_solver(message, likely, path)
    if written in (mine, None):
        return []
    message = f"the history is that of {written.__name__}, not of {mine.__name__}"
    if (written.slots, written.rate_in_history) == (mine.slots, mine.rate_in_history):
        return [message]
    raise _other_solver(f"a snapshot of another solver: {message}", [written.__name__], path)


def _fit(history: Iterable[Floats], shapes: Iterable[Sequence[int]]) -> bool:
    return all(fits(values.shape, shape) for values, shape in zip(history, shapes, strict=True))


def _other_solver(message: str, rules: list[str], path: Path) -> WeightsError:
    way_out = f"go on with the type {one_of(rules)}, or " if rules else ""
    help = f"{way_out}give the .caffemodel beside it to -weights, to start from the weights alone"
    return WeightsError.at(message, file=str(path), help=help)


def _learned_net(state: State, path: Path) -> Path:
    """The weights of a state: where it says, or beside it, where people move the two files together."""
    written = Path(state.learned_net)
    places = [*dict.fromkeys([written, path.parent / written.name])]
    found = [place for place in places if place.is_file()]
    if not found:
        message = f"the weights of this snapshot are missing: '{written}'"
        tried = ", then ".join(f"'{place}'" for place in places)
        raise WeightsError.at(message, file=str(path), help=f"looked for {tried}")
    return next((place for place in found if not _other_weights(state, place)), found[0])


def _alterations(state: State, weights: Path) -> list[str]:
    """What is not as it was when a state was written, as far as the state tells."""
    found = []
    if _other_weights(state, weights):
        found.append(f"{weights} is not the file of weights that its .solverstate was written with")
    if state.trainer and state.trainer.history_digest not in ("", _history_digest(state.history)):
        found.append(f"the history beside {weights} is not as it was written")
    return found


def _other_weights(state: State, weights: Path) -> bool:
    return bool(state.trainer and state.trainer.weights_digest not in ("", _digest(weights)))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _history_digest(history: Iterable[Floats]) -> str:
    digest = hashlib.sha256()
    for values in history:
        digest.update(np.ascontiguousarray(values, "<f4").reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _restore_trainer(solver: Solver, trainer: TrainerState, path: Path) -> list[str]:
    if trainer.HasField("random_seed") and trainer.random_seed != solver.random_seed:
        solver.reseed(trainer.random_seed)
    try:
        solver.random.set_bytes(trainer.torch_rng_state)
    except ValueError as error:
        raise WeightsError.at(f"the random state is damaged: {error}", file=str(path)) from error
    solver.losses.extend(torch.tensor(loss, device=solver.device) for loss in trainer.smoothed_losses)
    if solver.scale is not None and trainer.HasField("loss_scale"):
        solver.scale.set(trainer.loss_scale, trainer.updates_at_scale)
    entries = {(entry.net, entry.layer): entry for entry in trainer.data_position}
    changed = []
    for net, layer, feed in _feeds(solver):
        entry = entries.get((net, layer), DataPosition(position=feed.position))
        feed.position = entry.position
        if entry.digest and entry.digest != feed.digest:
            changed.append(
                f"the records of layer '{layer}' ({net} net), or their order, are not those of the snapshot: "
                f"batch {feed.position} is another one now"
            )
    return changed


def _feeds(solver: Solver) -> Iterator[tuple[str, str, Feed]]:
    """The data layers of all nets: by which net ("train", "test0", ...), by name."""
    names = ["train", *(f"test{index}" for index in range(len(solver.test_nets)))]
    for name, net in zip(names, (solver.net, *solver.test_nets), strict=True):
        for layer, feed in net.data.items():
            yield name, layer, feed
