"""Snapshots: the weights in one file, where the solver stands in another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from netspec.data.feed import Feed
from netspec.errors import WeightsError
from netspec.schema.messages import DataPosition, SolverParameter, TrainerState
from netspec.weights.caffemodel import fits
from netspec.weights.solverstate import State, read_solverstate, write_solverstate

if TYPE_CHECKING:
    from netspec.solver.trainer import Solver


def save_solver(solver: Solver) -> tuple[Path, Path]:
    """Writes ``<prefix>_iter_<n>.caffemodel``, then the ``.solverstate`` that names it; with the ending
    ``.h5`` where the solver's ``snapshot_format`` is HDF5.

    Raises:
        WeightsError: a file cannot be written; what was there before is untouched.
    """
    stem = f"{solver.settings.prefix}_iter_{solver.iteration}"
    suffix = ".h5" if solver.settings.message.snapshot_format == SolverParameter.HDF5 else ""
    weights, path = Path(f"{stem}.caffemodel{suffix}"), Path(f"{stem}.solverstate{suffix}")
    history = solver.rule.history([blob.parameter for blob in solver.net.learnable_params])
    solver.net.save_weights(weights)
    state = State(
        iteration=solver.iteration,
        learned_net=str(weights),
        history=[buffer.float().cpu().numpy() for buffer in history],
        current_step=solver.current_step,
        trainer=TrainerState(
            smoothed_losses=[float(loss) for loss in solver.losses],
            random_seed=solver.random_seed,
            torch_rng_state=solver.random.to_bytes(),
            data_position=[
                DataPosition(net=net, layer=layer, position=feed.position)
                for net, layer, feed in _feeds(solver)
            ],
        ),
    )
    write_solverstate(path, state)
    return weights, path


def restore_solver(solver: Solver, path: Path) -> None:
    """Puts a solver where a state file says, after checking that it fits.

    Raises:
        WeightsError: a file is missing, damaged, or of another net or solver.
    """
    state = read_solverstate(path)
    if state.iteration < 0 or state.current_step < 0:
        message = f"expected counts, not iteration {state.iteration} and step {state.current_step}"
        raise WeightsError.at(message, file=str(path), help="the file is damaged")
    _check_history(solver, state, path)
    solver.net.load_weights(_learned_net(state, path))
    params = [blob.parameter for blob in solver.net.learnable_params]
    with torch.no_grad():
        for buffer, values in zip(solver.rule.history(params), state.history, strict=True):
            buffer.copy_(torch.from_numpy(np.array(values)).view(buffer.shape))
    solver.iteration, solver.current_step = state.iteration, state.current_step
    solver.losses.clear()
    if state.trainer is not None:
        _restore_trainer(solver, state.trainer, path)


def _check_history(solver: Solver, state: State, path: Path) -> None:
    blobs = solver.net.learnable_params
    names = [blob.name for _ in solver.rule.slots for blob in blobs]
    shapes = [tuple(blob.parameter.shape) for _ in solver.rule.slots for blob in blobs]
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


def _learned_net(state: State, path: Path) -> Path:
    """The weights of a state: where it says, or beside it, where people move the two files together."""
    written = Path(state.learned_net)
    places = [written, path.parent / written.name]
    for place in places:
        if place.is_file():
            return place
    message = f"the weights of this snapshot are missing: '{written}'"
    tried = ", then ".join(f"'{place}'" for place in dict.fromkeys(places))
    raise WeightsError.at(message, file=str(path), help=f"looked for {tried}")


def _restore_trainer(solver: Solver, trainer: TrainerState, path: Path) -> None:
    if trainer.HasField("random_seed") and trainer.random_seed != solver.random_seed:
        solver.reseed(trainer.random_seed)
    try:
        solver.random.set_bytes(trainer.torch_rng_state)
    except ValueError as error:
        raise WeightsError.at(f"the random state is damaged: {error}", file=str(path)) from error
    solver.losses.extend(torch.tensor(loss, device=solver.device) for loss in trainer.smoothed_losses)
    positions = {(entry.net, entry.layer): entry.position for entry in trainer.data_position}
    for net, layer, feed in _feeds(solver):
        feed.position = positions.get((net, layer), feed.position)


def _feeds(solver: Solver) -> Iterator[tuple[str, str, Feed]]:
    """The data layers of all nets: by which net ("train", "test0", ...), by name."""
    names = ["train", *(f"test{index}" for index in range(len(solver.test_nets)))]
    for name, net in zip(names, (solver.net, *solver.test_nets), strict=True):
        for layer, feed in net.data.items():
            yield name, layer, feed
