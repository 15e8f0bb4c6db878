import random
from pathlib import Path

import numpy as np
import pytest

from netspec.errors import NetspecError, WeightsError
from netspec.schema.messages import SolverState, TrainerState
from netspec.weights import State, read_solverstate, write_solverstate
from netspec.weights.wire import put_bytes

SHARED = Path(__file__).parents[3] / "shared"
STATE = State(
    iteration=1500,
    learned_net="out/x_iter_1500.caffemodel",
    history=[np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3, np.float32)],
    current_step=2,
    trainer=TrainerState(random_seed=7, smoothed_losses=[0.5, 0.25], torch_rng_state=b"\0\1"),
)


def test_protobuf_reads_what_is_written(tmp_path):
    write_solverstate(tmp_path / "x", STATE)
    message = SolverState.FromString((tmp_path / "x").read_bytes())
    assert (message.iter, message.learned_net, message.current_step) == (
        1500,
        "out/x_iter_1500.caffemodel",
        2,
    )
    assert [list(blob.shape.dim) for blob in message.history] == [[2, 3], [3]]
    assert message.trainer == STATE.trainer


def test_a_round_trip_is_exact(tmp_path):
    write_solverstate(tmp_path / "x", STATE)
    state = read_solverstate(tmp_path / "x")
    for have, want in zip(state.history, STATE.history, strict=True):
        np.testing.assert_array_equal(have, want)
    assert (state.iteration, state.learned_net, state.current_step) == (1500, STATE.learned_net, 2)
    assert state.trainer == STATE.trainer


def test_a_damaged_trainer_state(tmp_path):
    (tmp_path / "x").write_bytes(
        SolverState(iter=1).SerializeToString() + b"".join(put_bytes(770001, b"\x0a"))
    )
    with pytest.raises(WeightsError, match="expected a trainer's state"):
        read_solverstate(tmp_path / "x")


@pytest.mark.parametrize("seed", range(4))
def test_hostile_files_are_refused_or_read(tmp_path, seed):
    draw = random.Random(seed)
    write_solverstate(tmp_path / "x", STATE)
    whole = (tmp_path / "x").read_bytes()
    for _ in range(150):
        data = bytearray(whole[: draw.randrange(1, len(whole))])
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        (tmp_path / "x").write_bytes(data)
        try:
            state = read_solverstate(tmp_path / "x")
        except NetspecError:
            continue
        assert all(blob.size <= 6 for blob in state.history)


@pytest.mark.parametrize(
    ("name", "iteration", "histories"),
    [
        ("fork_snapshot/stn_iter_200.solverstate", 200, 16),
        ("caffemodels/v1_era_everpeace2014_lenet/lenet_iter_10000.solverstate", 10000, 8),
        ("caffemodels/cifar10_quick_ict/cifar10_quick_iter_4000.solverstate", 4000, 10),
    ],
)
def test_what_caffe_and_its_forks_wrote(name, iteration, histories):
    if not (SHARED / name).exists():
        pytest.skip(f"{name} lies beside the project, not in it")
    state = read_solverstate(SHARED / name)
    assert (state.iteration, len(state.history), state.trainer) == (iteration, histories, None)
