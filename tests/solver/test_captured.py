"""Iterations as graphs, in whatever order they are recorded, replayed and left out.

Without a CUDA device, a graph is played by running the function again and writing to where its first result
lay: that is all that the code around it knows of one.
"""

from contextlib import nullcontext

import pytest
import torch

from netspec.compiler.engines import Choice
from netspec.solver import captured

FIELDS = 'base_lr: 0.05\nlr_policy: "step"\ngamma: 0.5\nstepsize: 4'


class Played:
    """Stands for a CUDA graph: recording leaves everything as it was, replaying writes the same places."""

    recorded = 0

    def __init__(self, function, *, module=None, pool=None):
        Played.recorded += 1
        self.function, self.pool, self.places = function, pool, {}
        params = [*module.parameters(), *module.buffers()]
        before = [param.detach().clone() for param in params]
        history = [value for state in self.states() for value in state]
        kept, random = [value.clone() for value in history], torch.get_rng_state()
        self.result = function()
        torch.set_rng_state(random)
        for place, value in zip((*params, *history), (*before, *kept), strict=True):
            place.detach().copy_(value)
        self.gradients = [param.grad for param in module.parameters()]
        self.module = module

    def states(self):
        return [state.values() for state in Played.rule.state.values()]

    def replay(self):
        result = self.function()
        if result is None:
            return None
        for mine, new in ((self.result[0][name], result[0][name]) for name in result[0]):
            mine.copy_(new)
        self.result[1].copy_(result[1])
        for param, gradient in zip(self.module.parameters(), self.gradients, strict=True):
            if gradient is not None:
                gradient.copy_(param.grad)
                param.grad = gradient
        return self.result


class Copies:
    """Stands for the copies on a stream of their own."""

    def __init__(self, device):
        pass

    def bring(self, values, targets):
        for value, target in zip(values, targets, strict=True):
            target.copy_(value)


@pytest.fixture
def played(make, monkeypatch):
    """A solver on the CPU whose iterations are graphs that are played."""
    monkeypatch.setattr(captured, "Captured", Played)
    monkeypatch.setattr(captured, "Staging", Copies)
    monkeypatch.setattr(captured, "new_stream", lambda device: None)
    monkeypatch.setattr(captured.CapturedIteration, "stream", lambda self: nullcontext())
    monkeypatch.setattr(Played, "recorded", 0)

    def build(fields=FIELDS, **options):
        solver = make(fields, engine="eager", **options)
        Played.rule = solver.rule
        solver.net._runner.choice = solver._engine_told = Choice("graph", "played", "graph")
        solver._captured = captured.CapturedIteration(
            solver.net, solver.rule, solver.settings.message.iter_size, solver.scale
        )
        return solver

    return build


@pytest.fixture
def same(make, played):
    """Whether a solver with graphs and one without go the same way; gives the one with graphs."""

    def check(fields=FIELDS, iterations=10, between=lambda solver: None, **options):
        graphs, plain = played(fields, **options), make(fields, engine="eager", **options)
        losses = [[], []]
        for found, solver in zip(losses, (graphs, plain), strict=True):
            for _ in range(iterations):
                found.append(solver.step(1))
                between(solver)
        torch.testing.assert_close(losses[0], losses[1], rtol=1e-6, atol=0)
        torch.testing.assert_close(graphs.net.state_dict(), plain.net.state_dict(), rtol=1e-5, atol=1e-7)
        return graphs

    return check


@pytest.mark.parametrize(
    "more",
    [
        "",
        "iter_size: 3",
        "clip_gradients: 0.5",
        'type: "Nesterov"',
        'type: "Adam" momentum2: 0.99',
        'type: "RMSProp" momentum: 0 rms_decay: 0.9',
        "average_loss: 3\ndisplay: 2",
        "test_iter: 2\ntest_interval: 3",
    ],
)
def test_graphs_go_the_same_way(same, more):
    same(f"{FIELDS}\n{more}")
    assert Played.recorded == 2


def test_the_first_iterations_count_as_any_other(same):
    same(iterations=3)
    assert Played.recorded == 0


def test_what_is_looked_into_is_not_replayed(same):
    same(f"{FIELDS}\ndebug_info: true\ndisplay: 3", iterations=12)
    assert Played.recorded == 2


def test_an_update_by_hand_uses_the_gradients_that_are_there(same):
    def nudge(solver):
        for param in solver.net.parameters():
            if param.grad is not None:
                param.grad = param.grad * 2
        solver.update(0.01)

    same(between=nudge)


def test_the_scaled_loss_of_float16(same):
    same(precision="fp16")
    assert Played.recorded == 2


def test_a_batch_of_another_size_is_run_as_it_is(make, played):
    solvers = [played(), make(FIELDS, engine="eager")]
    for solver in solvers:
        solver.step(5)
        small = {
            "data": torch.ones(2, 1, 16, 16),
            "label": torch.tensor([3.0, 4.0]),
            "noise": torch.ones(2, 8),
        }
        solver.step(1, feed=small)
        solver.step(3)
    first, second = (solver.net.state_dict() for solver in solvers)
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-7)


def test_what_cannot_be_recorded_is_run_as_it_is(played, make, monkeypatch):
    def refuse(function, **options):
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")

    solver, plain = played(), make(FIELDS, engine="eager")
    monkeypatch.setattr(captured, "Captured", refuse)
    notices = []
    solver.listeners.append(lambda event: notices.append(getattr(event, "message", None)))
    assert [solver.step(1) for _ in range(6)] == [plain.step(1) for _ in range(6)]
    assert [notice for notice in notices if notice] == [
        "engine eager: graph fails: operation not permitted when stream is capturing"
    ]


def test_losses_stay_what_they_were(played):
    solver = played(f"{FIELDS}\naverage_loss: 6")
    losses = [solver.step(1) for _ in range(6)]
    assert [float(loss) for loss in solver.losses] == losses
