import math

import pytest
import torch

from netspec.errors import SolverError, WeightsError
from netspec.solver import events as ev

TESTS = "test_iter: 3\ntest_interval: 4\n"


@pytest.fixture
def told(make):
    """A solver, and the list of all events it tells."""

    def listen(fields="", **options):
        events = []
        return make(fields, listeners=[events.append], **options), events

    return listen


def blobs(solver):
    return [blob.detach().clone() for blob in solver.net.parameters()]


def same(left, right):
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def kinds(events, *wanted):
    return [(type(event).__name__, event.iteration) for event in events if isinstance(event, wanted)]


# The order of things ------------------------------------------------------------------------------------


def test_training_happens_in_caffes_order(told):
    solver, events = told(TESTS + "max_iter: 8\ndisplay: 3\nsnapshot: 4\nsnapshot_after_train: true")
    solver.train()
    assert kinds(events, ev.TestStarted, ev.Tested, ev.Displayed, ev.Snapshotted, ev.Finished) == [
        ("TestStarted", 0),
        ("Tested", 0),
        ("Displayed", 0),
        ("Displayed", 3),
        ("Snapshotted", 4),
        ("TestStarted", 4),
        ("Tested", 4),
        ("Displayed", 6),
        ("Snapshotted", 8),
        ("TestStarted", 8),
        ("Tested", 8),
        ("Finished", 8),
    ]
    assert [event.iteration for event in events if isinstance(event, ev.Iterated)] == list(range(1, 9))
    assert isinstance(events[0], ev.Started)
    assert (events[0].first, events[0].last, events[0].random_seed) == (0, 8, 3)


def test_the_last_iteration_is_displayed_once_more_and_saved(told):
    solver, events = told("max_iter: 4\ndisplay: 2\nsnapshot: 3\nsnapshot_after_train: true")
    solver.train()
    assert kinds(events, ev.Displayed, ev.Snapshotted)[-2:] == [("Snapshotted", 4), ("Displayed", 4)]
    displays = [event for event in events if isinstance(event, ev.Displayed)]
    assert [event.rate is None for event in displays] == [False, False, True]
    assert [event.iterations for event in displays] == [0, 2, 2]


def test_the_first_test_may_be_left_out(told):
    solver, events = told(TESTS + "test_initialization: false\nmax_iter: 5")
    solver.train()
    assert kinds(events, ev.Tested) == [("Tested", 4)]


def test_the_displayed_loss_is_the_mean_of_the_last_ones(told):
    solver, events = told("average_loss: 3\ndisplay: 1")
    losses = [solver.step(1) for _ in range(6)]
    shown = [event.loss for event in events if isinstance(event, ev.Displayed)]
    windows = [losses[max(0, i - 2) : i + 1] for i in range(6)]
    assert shown == pytest.approx([math.fsum(window) / len(window) for window in windows])


def test_a_display_holds_outputs_and_rate(told):
    solver, events = told('display: 1\nlr_policy: "step"\ngamma: 0.5\nstepsize: 1')
    solver.step(2)
    displays = [event for event in events if isinstance(event, ev.Displayed)]
    assert [event.rate for event in displays] == pytest.approx([0.05, 0.025])
    (output,) = displays[0].outputs
    assert (output.blob, output.loss_weight) == ("loss", 1)
    assert output.value == pytest.approx(displays[0].loss)


def test_iter_size_sums_up_batches(make):
    """Two batches at iter_size 2 are one of twice the size."""
    net = """layer {{ name: "data" type: "Input" top: "x" top: "y"
      input_param {{ shape {{ dim: {0} dim: 3 }} shape {{ dim: {0} dim: 2 }} }} }}
    layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
      inner_product_param {{ num_output: 2 weight_filler {{ type: "xavier" }} }} }}
    layer {{ name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "y" top: "loss" }}"""
    feed = {"x": torch.randn(4, 3), "y": torch.randn(4, 2)}
    once, twice = make(net=net.format(4)), make("iter_size: 2", net=net.format(4))
    losses = [solver.step(3, feed=feed) for solver in (once, twice)]
    assert losses[0] == pytest.approx(losses[1])
    for left, right in zip(blobs(once), blobs(twice), strict=True):
        torch.testing.assert_close(left, right)


# Tests --------------------------------------------------------------------------------------------------


def test_a_test_averages_over_its_batches(told):
    solver, events = told(TESTS + "test_compute_loss: true")
    net = solver.test_nets[0]
    with torch.no_grad():
        batches = [net() for _ in range(3)]
    net.data["data"].position = net.data["noise"].position = 0
    values = {value.blob: value.value for value in solver.test(0)}
    for name in ("accuracy", "loss"):
        assert values[name] == pytest.approx(sum(float(batch[name]) for batch in batches) / 3)
    (tested,) = [event for event in events if isinstance(event, ev.Tested)]
    assert tested.loss == pytest.approx(values["loss"])
    assert {value.blob: value.loss_weight for value in tested.outputs} == {"accuracy": 0, "loss": 1}


def test_test_nets_share_the_weights_and_change_nothing(make):
    with_tests, without = make(TESTS), make()
    with_tests.step(6)
    without.step(6)
    assert same(blobs(with_tests), blobs(without))
    for mine, tested in zip(with_tests.net.parameters(), with_tests.test_nets[0].parameters(), strict=True):
        assert mine is tested


# Random numbers -----------------------------------------------------------------------------------------


def test_a_run_repeats_and_leaves_others_numbers_alone(make):
    first = make()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    losses = [first.step(1) for _ in range(4)]
    assert torch.equal(torch.rand(3), expected)
    second = make()
    for loss in losses:
        torch.rand(5)
        assert second.step(1) == loss
    assert same(blobs(first), blobs(second))


def test_without_a_seed_runs_differ(make):
    first, second = make("random_seed: -1"), make("random_seed: -1")
    assert first.random_seed != second.random_seed
    assert first.step(1) != second.step(1)


# Control ------------------------------------------------------------------------------------------------


def test_a_stop_ends_training_with_a_snapshot(told):
    solver, events = told("max_iter: 100\ndisplay: 2\nsnapshot_after_train: true")

    def stop(event):
        if isinstance(event, ev.Iterated) and event.iteration == 4:
            solver.stop_requested = True

    solver.listeners.append(stop)
    solver.train()
    assert kinds(events, ev.Displayed, ev.Snapshotted, ev.Finished)[-2:] == [
        ("Snapshotted", 4),
        ("Finished", 4),
    ]
    assert events[-1].early


def test_a_stop_does_not_wait_for_a_test(told):
    fields = TESTS + "max_iter: 6\nsnapshot_after_train: true"
    whole, _ = told(fields)
    whole.train()
    solver, events = told(fields)
    batches = solver.outputs

    def asked_in_a_test(net, batch):
        if net is solver.test_nets[0] and solver.iteration == 4:
            solver.stop_requested = True
        return batches(net, batch)

    solver.outputs = asked_in_a_test
    solver.train()
    assert kinds(events, ev.TestStarted, ev.Tested, ev.Snapshotted)[-2:] == [
        ("TestStarted", 4),
        ("Snapshotted", 4),
    ]
    assert ev.Notice("Test interrupted.") in events
    assert events[-1].early
    assert solver.test(0)  # on its own, a test is not interrupted

    resumed, later = told(fields)
    resumed.restore("snap_iter_4.solverstate")
    resumed.train()
    assert kinds(later, ev.Tested)[0] == ("Tested", 4)
    assert all(map(torch.equal, blobs(resumed), blobs(whole)))


def test_a_stop_in_the_last_test(told):
    solver, events = told(TESTS + "max_iter: 4\nsnapshot_after_train: true")

    def listen(event):
        if isinstance(event, ev.TestStarted) and event.iteration == 4:
            solver.stop_requested = True

    solver.listeners.append(listen)
    solver.train()
    assert kinds(events, ev.Tested, ev.Snapshotted, ev.TestStarted)[1:] == [
        ("Tested", 0),
        ("Snapshotted", 4),
        ("TestStarted", 4),
    ]
    assert events[-1] == ev.Finished(4, events[-1].seconds, early=True)


def test_a_snapshot_on_request(told):
    solver, events = told()
    solver.snapshot_requested = True
    solver.step(3)
    assert kinds(events, ev.Snapshotted) == [("Snapshotted", 1)]


def test_an_interrupted_iteration_never_was(make):
    expected = make('lr_policy: "multistep"\ngamma: 0.5\nstepvalue: 1\nstepvalue: 2')
    losses = [expected.step(1) for _ in range(6)]
    solver = make('lr_policy: "multistep"\ngamma: 0.5\nstepvalue: 1\nstepvalue: 2')
    assert [solver.step(1) for _ in range(2)] == losses[:2]

    update = solver.update

    def interrupt(rate):
        solver.update = update
        raise KeyboardInterrupt

    solver.update = interrupt
    with pytest.raises(KeyboardInterrupt):
        solver.step(1)
    assert solver.iteration == 2
    assert [solver.step(1) for _ in range(4)] == losses[2:]


def test_training_needs_max_iter_and_a_folder_for_snapshots(make):
    with pytest.raises(SolverError, match="the solver has no max_iter"):
        make().train()
    with pytest.raises(SolverError, match="snapshots cannot be written to the folder 'none'"):
        make('max_iter: 1\nsnapshot_after_train: true\nsnapshot_prefix: "none/x"').train()
    with pytest.raises(SolverError, match="snapshots cannot be written to the folder 'none'"):
        make('snapshot: 10\nsnapshot_prefix: "none/x"')


# Start --------------------------------------------------------------------------------------------------


def test_weights_are_loaded_in_order_and_reported(told, make, tmp_path):
    donor = make()
    donor.step(2)
    donor.net.save_weights(tmp_path / "a")
    solver, events = told(TESTS, weights="a,a")
    assert same(blobs(solver), blobs(donor))
    assert [event.message for event in events if isinstance(event, ev.Notice)] == [
        "loaded 2 layers from a"
    ] * 2
    fine_tuned = make('weights: "a"', weights=[tmp_path / "a"])
    assert same(blobs(fine_tuned), blobs(donor))


def test_missing_weights(make):
    with pytest.raises(WeightsError, match="none: error: no such file"):
        make(weights=["none"])


def test_a_machine_without_a_gpu_is_mentioned_once(told, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    solver, events = told("solver_mode: GPU")
    assert solver.device.type == "cpu"
    assert [event.message for event in events] == [
        "solver_mode is GPU, but PyTorch finds no CUDA device: training on the CPU"
    ]


def test_a_gpu_that_does_not_exist(make, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(SolverError, match="there is no CUDA device 3"):
        make("solver_mode: GPU\ndevice_id: 3")
