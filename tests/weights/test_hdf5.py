"""Weights and solver states in HDF5, as Caffe lays them out."""

from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import TrainerState
from netspec.weights import load_into, read_weights, save_from
from netspec.weights.hdf5 import read_layers, write_layers
from netspec.weights.layers import LayerBlobs
from netspec.weights.solverstate import State, read_solverstate, write_solverstate

CAFFES = Path(__file__).parents[1] / "golden" / "solver" / "sgd_h5"
WEIGHTS, STATE = CAFFES / "snap_iter_3.caffemodel.h5", CAFFES / "snap_iter_3.solverstate.h5"
NET = """name: "small" input: "x" input_shape { dim: 1 dim: 3 }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "a/b" type: "PReLU" bottom: "y" top: "y" }
layer { name: "relu" type: "ReLU" bottom: "y" top: "z" }"""


def test_caffes_weights():
    layers = {layer.name: layer.blobs for layer in read_weights(WEIGHTS)}
    assert {name: [blob.shape for blob in blobs.values()] for name, blobs in layers.items()} == {
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
    save_from(net, tmp_path / "a.caffemodel.h5")
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


def test_one_kind_for_another():
    with pytest.raises(WeightsError, match="expected a net's weights, but this is a solver's state"):
        read_weights(STATE)
    with pytest.raises(WeightsError, match="expected a solver's state, but this is a net's weights"):
        read_solverstate(WEIGHTS)


def test_what_is_not_of_caffes_making(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data/ip/weight"] = np.ones(3, np.float32)
    with pytest.raises(WeightsError, match="expected blobs numbered from 0, found weight"):
        read_weights(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["data/ip/0"] = np.ones(3, np.int32)
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["other"] = np.ones(3, np.int32)
    with pytest.raises(
        WeightsError, match="expected a solver's state, with a group 'history'; this has other"
    ):
        read_solverstate(tmp_path / "c.h5")
    with pytest.raises(WeightsError, match="blob 0 holds int32, not floating-point numbers"):
        read_weights(tmp_path / "b.h5")


def test_a_name_that_hdf5_cannot_hold(tmp_path):
    for names in (["a", "a/0"], ["a/0", "a"], ["a//b"], ["/a"], ["."], [""], ["a\0b"]):
        layers = [LayerBlobs(name, blobs={0: np.ones(1, np.float32)}) for name in names]
        with pytest.raises(WeightsError, match="cannot be written as HDF5"):
            write_layers(tmp_path / "a.h5", layers)
    assert list(tmp_path.iterdir()) == []


def test_blobs_that_another_layer_owns_are_left_out(tmp_path):
    write_layers(tmp_path / "a.h5", [LayerBlobs("a", blobs={2: np.ones(1, np.float32)}), LayerBlobs("b")])
    (layer,) = read_layers(tmp_path / "a.h5")
    assert (layer.name, list(layer.blobs)) == ("a", [2])


def test_doubles_of_another_byte_order(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data/ip/0"] = np.array([1.5, 2], ">f8")
    blob = read_layers(tmp_path / "a.h5")[0].blobs[0]
    assert (blob.dtype, blob.tolist()) == (np.float64, [1.5, 2])


def test_compressed_numbers(tmp_path):
    values = np.zeros((64, 1024), np.float32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data/ip/0", data=values, chunks=(8, 1024), compression="gzip")
    np.testing.assert_array_equal(read_layers(tmp_path / "a.h5")[0].blobs[0], values)


def _promise(group, **options):
    return group.create_dataset("0", shape=(1 << 40,), dtype="f4", **options)


def _half_written(group):
    dataset = group.create_dataset("0", shape=(16,), dtype="f4", chunks=(8,))
    dataset[:8] = 1


def _elsewhere(group):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    group.create_virtual_dataset("0", layout)


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (_promise, "but the file holds 0 bytes of it"),
        (partial(_promise, chunks=(1024,)), "but the file holds 0 bytes of it"),
        (partial(_promise, chunks=(1024,), compression="gzip"), "but the file holds 0 bytes of it"),
        (_half_written, "but the file holds 32 bytes of it"),
        (_elsewhere, "keeps no numbers in this file"),
        (partial(_promise, external=[("other.raw", 0, h5py.h5f.UNLIMITED)]), "keeps no numbers in this file"),
        (lambda group: group.create_dataset("0", dtype="f4", data=h5py.Empty("f4")), "keeps no numbers"),
    ],
)
def test_numbers_that_are_not_in_the_file(tmp_path, fill, message):
    """They would read as zeros, or as any amount of memory."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        fill(file.create_group("data/ip"))
    with pytest.raises(WeightsError, match=message):
        read_layers(tmp_path / "a.h5")


def test_a_state_without_one_of_its_histories(tmp_path):
    write_solverstate(tmp_path / "s.h5", State(1, "x", [np.ones(1, np.float32)] * 3))
    with h5py.File(tmp_path / "s.h5", "a") as file:
        del file["history/1"]
    with pytest.raises(WeightsError, match="expected histories numbered from 0, found 0, 2"):
        read_solverstate(tmp_path / "s.h5")
