"""The solvers: made, stepped, run, saved."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

import netspec.pycaffe as caffe
from netspec import NetspecError

TYPES = ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"]

pytestmark = pytest.mark.usefixtures("memory")


@pytest.fixture
def write(folder, nets):
    """Writes the net and the solver, with other lines at its end, and gives the solver's file."""

    def write(more="", net=None):
        Path("net.prototxt").write_text(net or nets.drawn)
        Path("solver.prototxt").write_text(nets.solver + more)
        return "solver.prototxt"

    return write


@pytest.fixture
def solver(write):
    return caffe.SGDSolver(write())


@pytest.mark.parametrize("type", TYPES)
def test_each_type(write, type):
    momentum = "" if type in ("AdaDelta", "Adam", "SGD", "Nesterov") else " momentum: 0"
    text = f'type: "{type}"{momentum}'
    file = write(text) if not momentum else write(f'type: "{type}"')
    if momentum:
        Path(file).write_text(Path(file).read_text().replace("momentum: 0.9", ""))
    found, made = caffe.get_solver(file), getattr(caffe, f"{type}Solver")(file)
    assert type_of(found) == type_of(made) == f"{type}Solver"
    assert isinstance(found, caffe.SGDSolver)
    assert found._trainer.rule.__class__.__name__ == type
    before = found.net.params["ip"][0].data.copy()
    found.step(2)
    assert found.iter == 2
    assert not np.array_equal(before, found.net.params["ip"][0].data)


def type_of(solver):
    return type(solver).__name__


def test_the_class_decides_not_the_file(write):
    assert caffe.NesterovSolver(write('type: "SGD"'))._trainer.rule.__class__.__name__ == "Nesterov"


def test_solvers_from_files_and_from_text(write, nets):
    file = write()
    assert type_of(caffe.get_solver_from_file(file)) == "SGDSolver"
    solver = caffe.get_solver_from_string(nets.solver + 'type: "Adam"')
    assert (type_of(solver), solver.param.max_iter) == ("AdamSolver", 10)


def test_files_that_are_missing_or_wrong(write):
    with pytest.raises(RuntimeError, match=r"gone\.prototxt"):
        caffe.SGDSolver("gone.prototxt")
    with pytest.raises(RuntimeError, match=r"gone\.prototxt"):
        caffe.get_solver("gone.prototxt")
    with pytest.raises(RuntimeError, match="unknown lr_policy") as caught:
        caffe.get_solver(write().replace("x", "x") and write('lr_policy: "invv"'))
    assert isinstance(caught.value, NetspecError)
    with pytest.raises(RuntimeError, match=r"gone\.solverstate"):
        caffe.SGDSolver(write()).restore("gone.solverstate")


# What is in it --------------------------------------------------------------------------------------------


def test_nets_and_numbers(solver):
    assert isinstance(solver.net, caffe.Net)
    assert [type(net) for net in solver.test_nets] == [caffe.Net]
    assert (solver.iter, solver.param.max_iter, solver.param.snapshot_prefix) == (0, 10, "model")
    assert solver.lr == pytest.approx(0.01)
    assert solver.net is solver.net
    solver.step(4)
    assert solver.lr == pytest.approx(0.01 * (1 + 0.1 * 4) ** -0.75)
    with pytest.raises(AttributeError):
        solver.iter = 3


def test_a_base_lr_that_is_set_counts_at_once(solver):
    weight = solver.net.params["ip"][0]
    solver.param.base_lr = 0
    solver.step(2)
    assert (solver.lr, solver.max_iter) == (0, 10)
    assert not weight.diff.any()
    solver.param.base_lr = 0.1
    solver.step(1)
    assert weight.diff.any()


def test_the_test_net_has_the_params_of_the_train_net(solver):
    weight = solver.net.params["ip"][0]
    weight.data[...] = 3
    assert (solver.test_nets[0].params["ip"][0].data == 3).all()
    solver.test_nets[0].forward()
    solver.test_nets[0].backward()
    assert not weight.diff.any()


def test_nets_outlive_the_solver(solver):
    nets = [solver.net, *solver.test_nets]
    del solver
    gc.collect()
    total = sum(blob.data.sum() + blob.diff.sum() for net in nets for blob in net.blobs.values())
    assert np.isfinite(total)


# Stepping -------------------------------------------------------------------------------------------------


def test_blobs_hold_the_last_step_s_values_and_gradients(solver):
    held = solver.net.blobs["data"].data
    for _ in range(2):
        solver.step(1)
        data, ip = held.copy(), solver.net.blobs["ip"]
        assert data.std() > 0.5
        exp = np.exp(ip.data - ip.data.max(1, keepdims=True))
        expected = exp / exp.sum(1, keepdims=True)
        expected[:, 0] -= 1  # all labels are 0
        np.testing.assert_allclose(ip.diff, expected / 5, rtol=1e-4, atol=1e-6)


def test_a_net_with_inputs_trains_from_what_the_blobs_hold(write, nets, rng):
    solver = caffe.SGDSolver(write(net=nets.trained))
    solver.net.blobs["data"].data[...] = rng.normal(size=(4, 2, 6, 5))
    solver.net.blobs["label"].data[...] = [0, 1, 2, 3]
    losses = []
    for _ in range(60):
        solver.step(1)
        losses.append(float(solver.net.blobs["loss"].data))
    assert losses[-1] < 0.5 * losses[0]


def test_the_first_update_by_hand(write):
    solver = caffe.SGDSolver(write())
    weight = solver.net.params["ip"][0]
    before = weight.data.copy()
    solver.net.forward()
    solver.net.backward()
    gradient = weight.diff.copy()
    solver.apply_update()
    step = 0.01 * (gradient + 0.0005 * before)
    np.testing.assert_allclose(before - weight.data, step, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(weight.diff, step, rtol=1e-5, atol=1e-9)  # as Caffe leaves it
    assert solver.iter == 1


def test_apply_update_goes_on_with_the_momentum(solver):
    bias = solver.net.params["ip"][1]
    bias.data[...] = 0
    for expected in (-0.01, -0.01 - 0.01 * (0.9 + 1.1**-0.75)):
        bias.diff[...] = 1
        solver.apply_update()
        np.testing.assert_allclose(bias.data, expected, rtol=1e-3)


def test_stepping_by_hand_is_stepping(write):
    def steps(by_hand):
        caffe.set_random_seed(1)
        solver = caffe.SGDSolver(write())
        for _ in range(4):
            if by_hand:
                solver.net.clear_param_diffs()
                solver.net.forward()
                solver.net.backward()
                solver.apply_update()
            else:
                solver.step(1)
        return solver.net.params["ip"][0].data.copy()

    np.testing.assert_allclose(steps(True), steps(False), rtol=1e-6)


def test_gradients_are_summed_over_iter_size(write):
    summed = caffe.SGDSolver(write("iter_size: 3"))
    summed.step(2)
    assert summed.iter == 2
    assert summed.net._compiled.data["data"].position == 6


def test_set_random_seed_decides_where_the_file_does_not(write):
    def first():
        Path(file).write_text(Path(file).read_text().replace("random_seed: 3", ""))
        solver = caffe.SGDSolver(file)
        solver.step(2)
        return solver.net.params["ip"][0].data.copy()

    file = write()
    caffe.set_random_seed(8)
    one = first()
    caffe.set_random_seed(8)
    np.testing.assert_array_equal(one, first())
    assert not np.array_equal(one, first())


def test_a_loss_that_is_not_finite_does_not_stop_it(solver):
    solver.net.params["ip"][0].data[0, 0] = np.nan
    solver.step(2)
    assert np.isnan(solver.net.blobs["loss"].data)


def test_a_net_of_another_size_goes_on_training(write, nets, rng):
    net = nets.trained.replace('type: "InnerProduct" bottom: "conv"', 'type: "InnerProduct" bottom: "mean"')
    net = net.replace(
        'layer { name: "ip"',
        'layer { name: "mean" type: "Pooling" bottom: "conv" top: "mean" '
        'pooling_param { pool: AVE global_pooling: true } } layer { name: "ip"',
    )
    solver = caffe.SGDSolver(
        write(net=net.replace("dim: 4 dim: 2", "dim: 1 dim: 2").replace("dim: 4 }", "dim: 1 }"))
    )
    for height, width in [(6, 5), (9, 12), (4, 7)]:
        solver.net.blobs["data"].reshape(1, 2, height, width)
        solver.net.blobs["data"].data[...] = rng.normal(size=(1, 2, height, width))
        solver.step(1)
        assert solver.net.blobs["data"].diff.shape == (1, 2, height, width)
        assert tuple(solver.net.blobs["conv"].shape) == (1, 3, height - 2, width - 2)


# Solving, snapshots, callbacks ----------------------------------------------------------------------------


def test_solve_runs_to_max_iter(solver, capfd):
    solver.solve()
    assert solver.iter == 10
    log = capfd.readouterr().err
    assert "Iteration 5, Testing net (#0)" in log
    assert "Test net output #0: loss = " in log
    assert solver.test_nets[0].blobs["loss"].data > 0  # the test ran through the test net's blobs
    assert list(Path().glob("model*")) == []


def test_solve_takes_none_or_a_snapshot(write):
    solver = caffe.SGDSolver(write())
    solver.solve(None)
    solver.snapshot()
    assert sorted(path.name for path in Path().glob("model*")) == [
        "model_iter_10.caffemodel",
        "model_iter_10.solverstate",
    ]
    again = caffe.SGDSolver(write("max_iter: 12".replace("max_iter", "#max_iter")))
    again.solve("model_iter_10.solverstate")
    assert again.iter == 10


def test_restore_goes_on_to_the_bit(write):
    whole = caffe.SGDSolver(write())
    whole.step(3)
    whole.snapshot()
    whole.step(3)
    part = caffe.SGDSolver(write())
    held = part.net.params["ip"][0].data
    part.restore("model_iter_3.solverstate")
    assert part.iter == 3
    part.step(3)
    np.testing.assert_array_equal(held, whole.net.params["ip"][0].data)


def test_callbacks(solver):
    told = []
    solver.add_callback(
        lambda: told.append("start"), lambda: told.append(solver.net.params["ip"][0].diff.any())
    )
    solver.step(2)
    assert told == ["start", True] * 2
    with pytest.raises(TypeError):
        solver.add_callback(print)


def test_a_callback_may_change_the_gradients(solver):
    before = solver.net.params["ip"][1].data.copy()

    def stop():
        for blobs in solver.net.params.values():
            for blob in blobs:
                blob.diff[...] = 0

    solver.add_callback(lambda: None, stop)
    solver.step(1)
    np.testing.assert_array_equal(before, solver.net.params["ip"][1].data)


def test_share_weights(solver, make, nets):
    net = make(nets.drawn, caffe.TEST)
    solver.share_weights(net)
    solver.step(1)
    np.testing.assert_array_equal(net.params["ip"][0].data, solver.net.params["ip"][0].data)
