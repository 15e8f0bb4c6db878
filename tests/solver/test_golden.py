"""Whole trajectories against what Caffe's own solver recorded, from its start and from its snapshots."""

from pathlib import Path

import numpy as np
import pytest
import torch

from netspec.solver import load_solver
from netspec.weights import read_solverstate

GOLDEN = Path(__file__).parents[1] / "golden" / "solver"
CASES = ["sgd_step_l2", "sgd_multistep_l1", "sgd_itersize", "sgd_inv_clip", "sgd_h5"]
SNAPSHOTS = [
    ("sgd_step_l2", 6),
    ("sgd_step_l2", 12),
    ("sgd_multistep_l1", 12),
    ("sgd_itersize", 8),
    ("sgd_inv_clip", 10),
    ("sgd_h5", 3),
    ("sgd_h5", 6),
]


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
def test_our_snapshot_holds_what_caffes_does(solver, case, iteration):
    record, trained = np.load(GOLDEN / case / "trajectory.npz"), solver(case)
    trained.net.load_weights(GOLDEN / case / "init.caffemodel")
    follow(trained, record)
    ours, caffes = (load_histories(folder, iteration) for folder in (Path(), GOLDEN / case))
    assert ours[:2] == caffes[:2]
    for have, want in zip(ours[2], caffes[2], strict=True):
        np.testing.assert_allclose(have, want, rtol=0, atol=1e-4 * max(1e-6, np.abs(want).max()))


def load_histories(folder, iteration):
    state = read_solverstate(find(folder, iteration))
    return state.iteration, state.current_step, state.history
