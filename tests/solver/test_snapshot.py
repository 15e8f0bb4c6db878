import os
import random
import shutil
from contextlib import suppress
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import torch

from netspec.errors import NetspecError, WeightsError
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter, SolverParameter, SolverState
from netspec.solver import load_solver
from netspec.solver.events import Notice, Snapshotted
from netspec.weights import read_solverstate

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
    times = ("seconds", "iterations", "loading")
    return [
        [type(event).__name__, *(getattr(event, name) for name in event.__slots__ if name not in times)]
        for event in events
        if not isinstance(event, Notice | Snapshotted)
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


@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5", "SAFETENSORS"])
def test_the_policy_plateau_goes_on_where_it_was(make, format):
    fields = 'lr_policy: "plateau"\ngamma: 0.5\nplateau_winsize: 3\nplateau_winsize: 4\nplateau_winsize: 3\n'
    fields += f"average_loss: 3\nsnapshot_format: {format}"
    whole, again = make(fields), make(fields)
    whole.step(8)
    again.restore(whole.snapshot().state)
    assert again.plateau == whole.plateau
    steps = []
    for solver in (whole, again):
        steps.append([(solver.step(1), solver.current_step, solver.plateau) for _ in range(20)])
    assert steps[0] == steps[1]
    assert {step for _, step, _ in steps[0]} > {whole.current_step}


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


@pytest.mark.parametrize(("format", "suffix"), [("HDF5", ".h5"), ("SAFETENSORS", ".safetensors")])
def test_other_formats_are_a_further_ending(make, format, suffix):
    solver = make(f"snapshot_format: {format}")
    solver.step(2)
    assert solver.snapshot() == (
        Path(f"snap_iter_2.caffemodel{suffix}"),
        Path(f"snap_iter_2.solverstate{suffix}"),
    )
    assert (
        read_solverstate(f"snap_iter_2.solverstate{suffix}").learned_net == f"snap_iter_2.caffemodel{suffix}"
    )


RULES_WITH_FIELDS = {
    "SGD": "",
    "Nesterov": "",
    "AdaGrad": "momentum: 0",
    "RMSProp": "momentum: 0",
    "AdaDelta": "momentum: 0.9\ndelta: 1e-6\nbase_lr: 1",
    "Adam": "base_lr: 0.01",
}


@pytest.mark.parametrize("name", RULES_WITH_FIELDS)
def test_snapshot_diff_keeps_what_the_update_subtracted(make, name):
    fields = f'type: "{name}"\n{RULES_WITH_FIELDS[name]}\nclip_gradients: 1\nsnapshot_diff: true'
    solver, plain = make(fields), make(fields.replace("true", "false"))
    solver.step(3)
    before = {layer: [blob.detach().double() for blob in blobs] for layer, blobs in solver.net.params.items()}
    before = {layer: [blob.clone() for blob in kept] for layer, kept in before.items()}
    solver.step(1)
    weights, _ = solver.snapshot()
    message = NetParameter.FromString(weights.read_bytes())
    saved = {layer.name: layer.blobs for layer in message.layer if layer.blobs}
    assert saved.keys() == before.keys()
    for layer, kept in saved.items():
        for blob, old, new in zip(kept, before[layer], solver.net.params[layer], strict=True):
            change = (old - new.detach().double()).flatten()
            torch.testing.assert_close(
                torch.tensor(blob.diff).double(), change, rtol=1e-3, atol=1e-6 * float(old.abs().max() + 1e-3)
            )
    assert any(diff for layer in saved.values() for blob in layer for diff in blob.diff)
    # It changes nothing, and where it is not asked for there is nothing of it.
    plain.step(4)
    assert same(blobs(plain), blobs(solver))
    message = NetParameter.FromString(plain.snapshot().weights.read_bytes())
    assert not any(blob.diff for layer in message.layer for blob in layer.blobs)


def test_snapshot_diff_of_sgd_is_its_history(make):
    solver = make("snapshot_diff: true\nsnapshot_format: HDF5")
    solver.step(3)
    weights, state = solver.snapshot()
    with h5py.File(weights) as file:
        diffs = [file[f"diff/{name}"][()] for name in ("ip1/0", "ip1/1", "ip2/0")]
        assert not file["diff/ip2/1"][()].any()  # which does not learn
        assert sorted(file["data"]) == sorted(file["diff"]) or set(file["diff"]) < set(file["data"])
    for diff, buffer in zip(diffs, read_solverstate(state).history, strict=False):
        np.testing.assert_array_equal(diff, buffer)


def test_a_blob_that_layers_share_has_its_diff_in_each(make):
    net = """name: "shared"
layer { name: "data" type: "DummyData" top: "x"
  dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "gaussian" } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "y" param { name: "w" }
  inner_product_param { num_output: 3 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "y" top: "z" param { name: "w" }
  inner_product_param { num_output: 3 bias_term: false } }
layer { name: "loss" type: "Reduction" bottom: "z" top: "loss" loss_weight: 1
  reduction_param { operation: SUMSQ } }
"""
    solver = make("snapshot_diff: true", net=net)
    solver.step(2)
    message = NetParameter.FromString(solver.snapshot().weights.read_bytes())
    first, second = (layer.blobs[0] for layer in message.layer if layer.blobs)
    assert list(first.diff) == list(second.diff)
    assert any(first.diff)


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


def test_a_snapshot_of_another_net_or_solver(make):
    _, path = make().snapshot()
    message = SolverState.FromString(path.read_bytes())
    message.history.add().CopyFrom(message.history[0])
    path.write_bytes(message.SerializeToString())
    with pytest.raises(WeightsError, match="it has 5 histories, not 4"):
        make().restore(path)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize(
    ("written", "read", "message", "help"),
    [
        (
            "Adam",
            "SGD",
            "8 histories, 2 for each of the net's 4 learnable blobs; SGD keeps 1",
            "AdaDelta or Adam",
        ),
        (
            "Nesterov",
            "Adam",
            "4 histories, 1 for each of the net's 4 learnable blobs; Adam keeps 2",
            "RMSProp",
        ),
        ("AdaGrad", "SGD", "the history is that of AdaGrad, not of SGD", "the type AdaGrad, or"),
        ("Adam", "AdaDelta", "the history is that of Adam, not of AdaDelta", "the type Adam, or"),
    ],
)
def test_the_history_of_another_solver(make, written, read, message, help, kept):
    """What Caffe wrote does not say whose history it is: then the counts must do."""
    one, other = (make(f'type: "{name}"\n{RULES_WITH_FIELDS[name]}') for name in (written, read))
    _, path = one.snapshot()
    if not kept:
        state = SolverState.FromString(path.read_bytes())
        state.ClearField("trainer")
        path.write_bytes(state.SerializeToString())
        if "that of" in message:
            other.restore(path)
            return
    before = blobs(other)
    with pytest.raises(WeightsError, match="a snapshot of another solver: ") as caught:
        other.restore(path)
    assert message in str(caught.value)
    assert (f"go on with the type {written}, or" if kept else help) in str(caught.value)
    assert same(blobs(other), before)


def test_nesterov_goes_on_with_the_steps_of_sgd(make):
    events = []
    _, path = make().snapshot()
    make('type: "Nesterov"', listeners=[events.append]).restore(path)
    assert events[-1].message == "the history is that of SGD, not of Nesterov"
    assert events[-1].severity == "warning"


# The newest snapshot ------------------------------------------------------------------------------------


def test_the_newest_complete_snapshot(make):
    solver = make()
    for format in (SolverParameter.BINARYPROTO, SolverParameter.SAFETENSORS, SolverParameter.HDF5):
        solver.settings.message.snapshot_format = format
        solver.step(5)
        solver.snapshot()
    for name in (
        "snap_iter_99.caffemodel",
        "snap_iter_99.solverstate.bak",
        ".snap_iter_99.solverstate.7.tmp",
    ):
        Path(name).touch()
    Path("other_iter_99.solverstate").touch()
    again = make()
    assert again.resume() == Path("snap_iter_15.solverstate.h5")
    assert again.iteration == 15
    assert same(blobs(again), blobs(solver))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5", "SAFETENSORS"])
@pytest.mark.parametrize("file", ["weights", "state"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b""), truncate, flip])
def test_damaged_ones_are_passed_over(make, format, file, damage):
    solver, events = make(f"snapshot_format: {format}"), []
    pairs = []
    for _ in range(2):
        solver.step(2)
        pairs.append(solver.snapshot())
    damage(getattr(pairs[1], file))
    again = make(listeners=[events.append])
    assert again.resume() == pairs[0].state
    warnings = [event.message for event in events if getattr(event, "severity", "") == "warning"]
    if file == "state" and damage is Path.unlink:
        assert warnings == []  # the weights alone are no snapshot
    else:
        assert len(warnings) == 1
        assert warnings[0].startswith("passed over a snapshot: ")
        assert "snap_iter_4." in warnings[0]


def test_files_that_are_no_pair_are_told(make):
    """A run that was killed between the two names, where another run had written the same ones."""
    first, second, events = make(), make("random_seed: 4"), []
    for solver in (first, second):
        solver.step(2)
    weights, state = first.snapshot()
    kept = state.read_bytes()
    second.snapshot()
    state.write_bytes(kept)
    again = make(listeners=[events.append])
    assert again.resume() is None
    assert "is not the file of weights that its .solverstate was written with" in events[-2].message
    assert events[-1].message == "no snapshot under 'snap' yet: starting afresh"
    assert again.iteration == 0
    again.restore(state)  # whoever names the file gets it, and is told
    assert again.iteration == 2
    assert (
        events[-1].message == f"{weights} is not the file of weights that its .solverstate was written with"
    )


def test_without_a_snapshot_the_run_starts_afresh(make):
    events = []
    assert make('snapshot_prefix: "missing/snap"', listeners=[events.append]).resume() is None
    assert events[-1].message == "no snapshot under 'missing/snap' yet: starting afresh"


def test_the_newest_of_another_net_is_an_error(make, tmp_path):
    make().snapshot()
    other = make(net=(tmp_path / "net.prototxt").read_text().replace("num_output: 10", "num_output: 11"))
    with pytest.raises(WeightsError, match="a snapshot of another net"):
        other.resume()


# Damage -------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5", "SAFETENSORS"])
@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("when", range(4))
def test_a_failed_snapshot_leaves_the_one_before(make, monkeypatch, format, call, when):
    """Whichever call fails, and whichever file it is for: other numbers are under the old names only where
    both are there."""
    solver = make(f"snapshot_format: {format}")
    paths = solver.snapshot()
    before = [path.read_bytes() for path in paths]
    solver.step(1)
    solver.iteration = 0
    works, calls = Path.replace if "replace" in call else os.fsync, []

    def full(*args):
        calls.append(args)
        if len(calls) > when:
            raise OSError(28, "No space left on device")
        return works(*args)

    with monkeypatch.context() as patch:
        patch.setattr(call, full)
        with suppress(WeightsError):
            solver.snapshot()
    after = [path.read_bytes() for path in paths]
    if len(calls) <= (2 if call == "os.fsync" else 1):
        assert after == before
    assert not list(Path().glob(".*"))
    restored = make().resume()
    assert restored == (paths.state if (after[0] == before[0]) == (after[1] == before[1]) else None)


LISTED = """
layer { name: "data" type: "ImageData" top: "x" top: "t"
  image_data_param { source: "list.txt" batch_size: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }
"""


@pytest.mark.parametrize(("lines", "warned"), [("0123", False), ("1023", True), ("01234", True)])
def test_records_that_are_not_those_of_the_snapshot(make, write, lines, warned):
    """A list whose lines come in another order, or that has more of them, makes another run of it."""
    write(net=LISTED)
    for name in "01234":
        cv2.imwrite(f"{name}.png", np.full((2, 2, 3), int(name), np.uint8))
    Path("list.txt").write_text("".join(f"{name}.png {name}\n" for name in "0123"))
    solver = make("base_lr: 1e-5", LISTED)
    solver.step(3)
    _, state = solver.snapshot()
    Path("list.txt").write_text("".join(f"{name}.png {name}\n" for name in lines))
    again, told = make("base_lr: 1e-5", LISTED), []
    again.listeners.append(told.append)
    again.restore(state)
    warnings = [event.message for event in told if isinstance(event, Notice) and event.severity == "warning"]
    message = (
        "the records of layer 'data' (train net), or their order, are not those of the snapshot: batch 3 is "
        "another one now"
    )
    assert warnings == ([message] if warned else [])
    again.step(1)
