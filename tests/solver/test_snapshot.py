import random
import shutil
from pathlib import Path

import pytest
import torch

from netspec.errors import NetspecError, WeightsError
from netspec.schema.document import load_document
from netspec.schema.messages import SolverParameter, SolverState
from netspec.solver import load_solver
from netspec.solver.events import Snapshotted

SHARED = Path(__file__).parents[3] / "shared"
EVERYTHING = """iter_size: 2
average_loss: 5
display: 1
test_iter: 2
test_interval: 3
lr_policy: "multistep"
gamma: 0.5
stepvalue: 4
stepvalue: 12
"""


def blobs(solver):
    return [blob.detach().clone() for blob in solver.net.parameters()]


def same(left, right):
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def quiet(events):
    """What was told, without what a clock or a snapshot adds."""
    times = ("seconds", "iterations")
    return [
        [type(event).__name__, *(getattr(event, name) for name in event.__slots__ if name not in times)]
        for event in events
        if not isinstance(event, Snapshotted)
    ]


@pytest.mark.parametrize("seed", ["random_seed: 3", "random_seed: -1"])
def test_a_restored_run_goes_on_to_the_bit(make, seed):
    """Data, dropout, momentum, rate, test batches, smoothed loss: twenty iterations, or ten and ten."""
    whole, events = make(EVERYTHING + seed), []
    whole.step(10)
    _, state = whole.snapshot()
    whole.listeners.append(events.append)
    loss = whole.step(10)
    again, told = make(EVERYTHING + seed), []
    again.restore(state)
    again.listeners.append(told.append)
    assert (again.iteration, again.random_seed) == (10, whole.random_seed)
    assert again.step(10) == loss
    assert same(blobs(again), blobs(whole))
    assert quiet(told) == quiet(events)


def test_a_snapshot_changes_nothing(make):
    with_snapshots, without = make("snapshot: 2"), make()
    assert with_snapshots.step(5) == without.step(5)
    assert same(blobs(with_snapshots), blobs(without))


def test_the_files_are_named_as_caffe_names_them(make):
    solver = make('snapshot_prefix: "stn"')
    solver.step(3)
    assert solver.snapshot() == (Path("stn_iter_3.caffemodel"), Path("stn_iter_3.solverstate"))
    message = SolverState.FromString(Path("stn_iter_3.solverstate").read_bytes())
    assert (message.iter, message.learned_net) == (3, "stn_iter_3.caffemodel")
    shapes = [tuple(blob.parameter.shape) for blob in solver.net.learnable_params]
    assert [tuple(blob.shape.dim) for blob in message.history] == shapes


def test_a_moved_pair_is_found(make, tmp_path, monkeypatch):
    solver = make()
    solver.step(2)
    (tmp_path / "moved").mkdir()
    _, state = (shutil.move(path, tmp_path / "moved") for path in solver.snapshot())
    other = make()
    other.restore(state)
    assert same(blobs(other), blobs(solver))


def test_missing_weights_name_both_places(make):
    weights, state = make().snapshot()
    weights.unlink()
    with pytest.raises(WeightsError, match=r"are missing: 'snap_iter_0.caffemodel'"):
        make().restore(state)


def test_a_snapshot_of_another_net(make, tmp_path):
    _, state = make().snapshot()
    other = make(net=(tmp_path / "net.prototxt").read_text().replace("num_output: 10", "num_output: 11"))
    before = blobs(other)
    with pytest.raises(
        WeightsError, match=r"history of 'ip2.weight' has the shape \[10, 8\] in it, but \[11, 8\]"
    ):
        other.restore(state)
    assert same(blobs(other), before)


def test_a_snapshot_of_another_solver(make):
    _, path = make().snapshot()
    message = SolverState.FromString(path.read_bytes())
    message.history.add().CopyFrom(message.history[0])
    path.write_bytes(message.SerializeToString())
    with pytest.raises(WeightsError, match="it has 5 histories, not 4"):
        make().restore(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"iter": -5}, "expected counts, not iteration -5"),
        ({"current_step": -1}, "expected counts, not iteration 0 and step -1"),
        ({"trainer": {"torch_rng_state": b"abc"}}, "the random state is damaged"),
    ],
)
def test_a_damaged_state(make, change, message):
    _, path = make().snapshot()
    path.write_bytes(path.read_bytes() + SolverState(**change).SerializeToString())
    with pytest.raises(WeightsError, match=message):
        make().restore(path)


def test_hostile_states_are_refused_or_restored(make):
    solver, draw = make(), random.Random(0)
    _, path = solver.snapshot()
    whole, restored = path.read_bytes(), 0
    for _ in range(60):
        data = bytearray(whole)
        for place in (draw.randrange(60), len(data) - 1 - draw.randrange(120)):
            data[place] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        try:
            solver.restore(path)
            solver.step(1)
            restored += 1
        except NetspecError:
            pass
    assert 0 < restored < 60


def test_weights_given_as_a_snapshot(make):
    weights, _ = make().snapshot()
    with pytest.raises(WeightsError, match=r"pass a .caffemodel with -weights"):
        make().restore(weights)


@pytest.mark.skipif(not SHARED.exists(), reason="the fork's snapshot lies beside the project, not in it")
def test_the_spatial_transformer_forks_snapshot_goes_on(tmp_path, monkeypatch):
    for name in ("mnist.txt", "img"):
        (tmp_path / name).symlink_to(SHARED / "fork_snapshot" / name)
    monkeypatch.chdir(tmp_path)
    document = load_document(SHARED / "blog" / "stn_solver.prototxt", SolverParameter)
    document.message.random_seed = 1
    solver = load_solver(document, device="cpu")
    solver.restore(SHARED / "fork_snapshot" / "stn_iter_200.solverstate")
    epochs = [sum(solver.step(1) for _ in range(4)) / 4 for _ in range(10)]  # of 40 digits
    solver.close()
    assert solver.iteration == 240
    assert epochs[0] == pytest.approx(2.29, abs=0.3)  # the fork's own outputs have the loss 2.29
    assert epochs[-1] < 2


def test_a_failed_snapshot_leaves_the_one_before(make, monkeypatch):
    solver = make()
    paths = solver.snapshot()
    before = [path.read_bytes() for path in paths]

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(WeightsError, match="No space left on device"):
            solver.snapshot()
    assert [path.read_bytes() for path in paths] == before
    assert solver.step(1) > 0
