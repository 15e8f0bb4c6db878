"""Weights and solver states in HDF5, as Caffe lays them out."""

from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import TrainerState
from netspec.weights.caffemodel import load_into, read_caffemodel, write_caffemodel
from netspec.weights.solverstate import State, read_solverstate, write_solverstate

CAFFES = Path(__file__).parents[1] / "golden" / "solver" / "sgd_h5"
WEIGHTS, STATE = CAFFES / "snap_iter_3.caffemodel.h5", CAFFES / "snap_iter_3.solverstate.h5"
NET = """name: "small" input: "x" input_shape { dim: 1 dim: 3 }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "a/b" type: "PReLU" bottom: "y" top: "y" }
layer { name: "relu" type: "ReLU" bottom: "y" top: "z" }"""


def test_caffes_weights():
    layers = {layer.name: layer.blobs for layer in read_caffemodel(WEIGHTS)}
    assert {name: [blob.shape for blob in blobs] for name, blobs in layers.items()} == {
        "conv": [(3, 2, 3, 3), (3,)],
        "ip": [(4, 75), (4,)],
    }
    with h5py.File(WEIGHTS) as file:
        assert np.array_equal(layers["ip"][0], file["data/ip/0"][()])


def test_caffes_state():
    state = read_solverstate(STATE)
    assert (state.iteration, state.current_step, state.trainer) == (3, 0, None)
    assert state.learned_net == "snap_iter_3.caffemodel.h5"
    assert [blob.shape for blob in state.history] == [(3, 2, 3, 3), (3,), (4, 75), (4,)]


def test_weights_go_both_ways(compile_text, tmp_path):
    net, other = compile_text(NET, seed=1), compile_text(NET, seed=2)
    write_caffemodel(tmp_path / "a.caffemodel.h5", net)
    with h5py.File(tmp_path / "a.caffemodel.h5") as file:
        assert sorted(file["data"]) == ["a", "input", "ip", "relu"]
        assert file["data/ip/0"].dtype == np.float32
    report = load_into(other, tmp_path / "a.caffemodel.h5")
    assert report.loaded == ("ip", "a/b")
    for mine, theirs in zip(net.parameters(), other.parameters(), strict=True):
        assert np.array_equal(mine.detach(), theirs.detach())


@pytest.mark.parametrize("trainer", [None, TrainerState(random_seed=7, torch_rng_state=b"\x00\x01\x00")])
def test_states_go_both_ways(tmp_path, trainer):
    history = [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(1, np.float32)] * 6
    write_solverstate(tmp_path / "s.solverstate.h5", State(12, "a.caffemodel.h5", history, 2, trainer))
    with h5py.File(tmp_path / "s.solverstate.h5") as file:
        assert (file["iter"].shape, file["iter"].dtype) == ((1,), np.int32)
        assert file["learned_net"][()].rstrip(b"\0") == b"a.caffemodel.h5"
    state = read_solverstate(tmp_path / "s.solverstate.h5")
    assert (state.iteration, state.current_step, state.learned_net) == (12, 2, "a.caffemodel.h5")
    assert state.trainer == trainer
    assert all(np.array_equal(a, b) for a, b in zip(state.history, history, strict=True))


@pytest.mark.parametrize("read", [read_caffemodel, read_solverstate])
@pytest.mark.parametrize("file", [WEIGHTS, STATE], ids=["weights", "state"])
def test_damaged_files(tmp_path, read, file):
    data, rng = file.read_bytes(), np.random.default_rng(3)
    for case in range(60):
        broken = bytearray(data[: rng.integers(len(data))] if case % 2 else data)
        for _ in range(5):
            broken[rng.integers(8, max(9, len(broken)))] ^= int(rng.integers(256)) if len(broken) > 9 else 0
        (tmp_path / "broken.h5").write_bytes(broken)
        with suppress(WeightsError):  # and no other
            read(tmp_path / "broken.h5")


def test_one_kind_for_another():
    with pytest.raises(
        WeightsError, match="expected a net's weights, with a group 'data'; this has current_step"
    ):
        read_caffemodel(STATE)
    with pytest.raises(
        WeightsError, match="expected a solver's state, with a group 'history'; this has data"
    ):
        read_solverstate(WEIGHTS)


def test_what_is_not_of_caffes_making(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data/ip/weight"] = np.ones(3, np.float32)
    with pytest.raises(WeightsError, match="expected blobs numbered from 0, found weight"):
        read_caffemodel(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["data/ip/0"] = np.ones(3, np.int32)
    with pytest.raises(WeightsError, match="blob 0 holds int32, not floating-point numbers"):
        read_caffemodel(tmp_path / "b.h5")
