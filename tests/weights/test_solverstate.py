import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from netspec.errors import NetspecError, WeightsError
from netspec.schema.messages import SolverState, TrainerState
from netspec.weights import State, read_solverstate, write_solverstate
from netspec.weights.wire import put_bytes

SHARED = Path(__file__).parents[3] / "shared"
SUFFIXES = ("", ".h5", ".safetensors")
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


def caffes_schema():
    """SolverState as Caffe has it, without any field of ours or of a fork."""
    file = FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    fields = {
        "BlobShape": [("dim", 1, "INT64", "REPEATED", None)],
        "BlobProto": [
            ("shape", 7, "MESSAGE", "OPTIONAL", ".caffe.BlobShape"),
            ("data", 5, "FLOAT", "REPEATED", None),
            ("diff", 6, "FLOAT", "REPEATED", None),
        ],
        "SolverState": [
            ("iter", 1, "INT32", "OPTIONAL", None),
            ("learned_net", 2, "STRING", "OPTIONAL", None),
            ("history", 3, "MESSAGE", "REPEATED", ".caffe.BlobProto"),
            ("current_step", 4, "INT32", "OPTIONAL", None),
        ],
    }
    for message, members in fields.items():
        descriptor = file.message_type.add(name=message)
        for name, number, kind, label, type_name in members:
            field = descriptor.field.add(name=name, number=number, type_name=type_name)
            field.type = getattr(FieldDescriptorProto, f"TYPE_{kind}")
            field.label = getattr(FieldDescriptorProto, f"LABEL_{label}")
            field.options.packed = kind in ("INT64", "FLOAT")
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName("caffe.SolverState"))


def test_caffe_reads_what_is_written_and_passes_over_what_is_ours(tmp_path):
    write_solverstate(tmp_path / "x", replace(STATE, minimum_loss=0.5, last_event=7))
    message = caffes_schema().FromString((tmp_path / "x").read_bytes())
    assert (message.iter, message.learned_net, message.current_step) == (1500, STATE.learned_net, 2)
    assert [list(blob.data) for blob in message.history] == [
        blob.reshape(-1).tolist() for blob in STATE.history
    ]
    assert [field.name for field, _ in message.ListFields()] == [
        "iter",
        "learned_net",
        "history",
        "current_step",
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_cut_anywhere(tmp_path, suffix):
    """Either the cut is noticed at once, or histories are missing, or what says where the weights are."""
    path = tmp_path / f"x{suffix}"
    write_solverstate(path, STATE)
    whole = path.read_bytes()
    for size in range(0, len(whole), 1 if suffix == "" else 97):
        path.write_bytes(whole[:size])
        try:
            state = read_solverstate(path)
        except WeightsError:
            continue
        assert len(state.history) < 2 or not state.learned_net


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_the_policy_plateau_remembers(tmp_path, suffix):
    write_solverstate(
        tmp_path / f"x{suffix}", replace(STATE, minimum_loss=float(np.float32(0.1)), last_event=7)
    )
    state = read_solverstate(tmp_path / f"x{suffix}")
    assert (state.minimum_loss, state.last_event) == (float(np.float32(0.1)), 7)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_round_trip_is_exact(tmp_path, suffix):
    write_solverstate(tmp_path / f"x{suffix}", STATE)
    state = read_solverstate(tmp_path / f"x{suffix}")
    assert (state.minimum_loss, state.last_event) == (None, None)
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


@pytest.mark.parametrize("suffix", ["", ".safetensors"])
@pytest.mark.parametrize("seed", range(4))
def test_hostile_files_are_refused_or_read(tmp_path, seed, suffix):
    draw = random.Random(seed)
    write_solverstate(tmp_path / f"x{suffix}", STATE)
    whole = (tmp_path / f"x{suffix}").read_bytes()
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
