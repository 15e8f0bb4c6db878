"""Whole trajectories against what Caffe's own solver recorded, from its start and from its snapshots."""

from pathlib import Path

import numpy as np
import pytest
import torch

from netspec.solver import load_solver
from netspec.weights import read_solverstate, write_solverstate

GOLDEN = Path(__file__).parents[1] / "golden" / "solver"
CASES = sorted(path.name for path in GOLDEN.iterdir())
SNAPSHOTS = sorted(
    (path.parent.name, int(path.name.removeprefix("snap_iter_").partition(".")[0]))
    for path in GOLDEN.glob("*/*.solverstate*")
)


@pytest.fixture
def solver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the snapshots go
    return lambda case: load_solver(GOLDEN / case / "solver.prototxt")


def find(folder, iteration):
    """The state of an iteration, binary or HDF5."""
    (path,) = folder.glob(f"snap_iter_{iteration}.solverstate*")
    return path


def follow(solver, record):
    """Steps through the recorded batches and returns the losses."""
    steps = len({key.split("/")[1] for key in record if key.startswith("batch/")})
    feeds = [{name: torch.from_numpy(record[f"batch/{k}/{name}"]) for name in "xt"} for k in range(steps)]
    return [solver.step(1, feed=feed) for feed in feeds[solver.iteration :]]


def assert_ends_alike(solver, record):
    last = max(int(key.split("/")[1]) for key in record if key.startswith("param/"))
    for layer, blobs in solver.net.params.items():
        for index, blob in enumerate(blobs):
            expected = record[f"param/{last}/{layer}/{index}"]
            np.testing.assert_allclose(
                blob.detach().numpy(), expected, rtol=0, atol=1e-4 * np.abs(expected).max()
            )


@pytest.mark.parametrize("case", CASES)
def test_the_trajectory_from_the_start(solver, case):
    record, trained = np.load(GOLDEN / case / "trajectory.npz"), solver(case)
    trained.net.load_weights(GOLDEN / case / "init.caffemodel")
    np.testing.assert_allclose(follow(trained, record), record["loss"], rtol=1e-4)
    assert_ends_alike(trained, record)


@pytest.mark.parametrize(("case", "iteration"), SNAPSHOTS)
def test_the_trajectory_from_caffes_snapshot(solver, case, iteration):
    record, trained = np.load(GOLDEN / case / "trajectory.npz"), solver(case)
    trained.restore(find(GOLDEN / case, iteration))
    assert trained.iteration == iteration
    np.testing.assert_allclose(follow(trained, record), record["loss"][iteration:], rtol=1e-4)
    assert_ends_alike(trained, record)


@pytest.mark.parametrize(("case", "iteration"), SNAPSHOTS)
def test_the_trajectory_from_caffes_snapshot_in_the_other_format(solver, case, iteration):
    record, trained = np.load(GOLDEN / case / "trajectory.npz"), solver(case)
    path = find(GOLDEN / case, iteration)
    state = read_solverstate(path)
    state.learned_net = str(path.with_name(state.learned_net))
    other = Path("snap.solverstate" if path.suffix == ".h5" else "snap.solverstate.h5")
    write_solverstate(other, state)
    trained.restore(other)
    follow(trained, record)
    assert_ends_alike(trained, record)


@pytest.mark.parametrize(("case", "iteration"), SNAPSHOTS)
def test_our_snapshot_holds_what_caffes_does(solver, case, iteration):
    record, trained = np.load(GOLDEN / case / "trajectory.npz"), solver(case)
    trained.net.load_weights(GOLDEN / case / "init.caffemodel")
    follow(trained, record)
    ours, caffes = (read_solverstate(find(folder, iteration)) for folder in (Path(), GOLDEN / case))
    assert (ours.iteration, ours.current_step) == (caffes.iteration, caffes.current_step)
    assert Path(ours.learned_net).name == Path(caffes.learned_net).name
    assert_alike(ours.history, caffes.history)
    assert_alike(*(blobs_in(solver(case), folder, ours.learned_net) for folder in (Path(), GOLDEN / case)))


def assert_alike(ours, caffes):
    """As many blobs, in the same order, with the same shapes and numbers."""
    assert [blob.shape for blob in ours] == [blob.shape for blob in caffes]
    for have, want in zip(ours, caffes, strict=True):
        np.testing.assert_allclose(have, want, rtol=0, atol=1e-4 * np.abs(want).max())


def blobs_in(solver, folder, name):
    """All blobs of a net after it loaded a weight file."""
    solver.net.load_weights(folder / Path(name).name)
    return [blob.detach().numpy() for blob in solver.net.parameters()]
