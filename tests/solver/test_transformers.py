"""What the trainer tells of spatial transformers, and when it warns."""

from __future__ import annotations

import pytest
import torch

from netspec.solver import events as ev

NET = """name: "guarded"
layer { name: "data" type: "Input" top: "data" top: "label" input_param {
  shape { dim: 2 dim: 1 dim: 8 dim: 8 } shape { dim: 2 } } }
layer { name: "flat" type: "Pooling" bottom: "data" top: "mean"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "loc" type: "InnerProduct" bottom: "mean" top: "theta"
  param { lr_mult: 0 } param { lr_mult: %s }
  inner_product_param { num_output: 2 weight_filler { type: "constant" value: 0 } } }
layer { name: "st" type: "SpatialTransformer" bottom: "data" bottom: "theta" top: "seen"
  st_param { theta_1_1: 1 theta_1_2: 0 theta_2_1: 0 theta_2_2: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "seen" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
FEED = {"data": torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(1)), "label": torch.zeros(2)}


@pytest.fixture
def trained(make):
    """A solver whose transformer shifts its images by so much, and what it told."""

    def trained(shift, fields="display: 2", lr_mult=0, **options):
        events = []
        solver = make(fields, NET % lr_mult, listeners=[events.append], **options)
        place(solver, shift)
        return solver, events

    return trained


def place(solver, shift):
    with torch.no_grad():
        solver.net.params["loc"][1].copy_(torch.tensor(shift))


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_each_display_is_followed_by_what_the_transformer_did(trained, engine):
    solver, events = trained([0.25, -0.75], engine=engine)
    solver.step(4, FEED)
    found = of(events, ev.Transformed)
    # One row of eight and three columns are outside: what is left is 7 by 5.
    assert [(event.iteration, event.layer, event.outside) for event in found] == [
        (0, "st", pytest.approx(1 - 35 / 64)),
        (2, "st", pytest.approx(1 - 35 / 64)),
    ]
    assert found[0].theta == pytest.approx((0.25, -0.75))
    assert found[0].names == ("theta_1_3", "theta_2_3")
    assert found[0].largest == 0.75
    after = events.index(found[0])
    assert isinstance(events[after - 1], ev.Displayed)


def test_it_is_the_theta_of_the_displayed_iteration(trained):
    solver, events = trained([0.1, 0.1], lr_mult=50)
    solver.step(1, FEED)
    moved = solver.net.params["loc"][1].tolist()
    assert moved != pytest.approx([0.1, 0.1])
    solver.step(2, FEED)
    first, second = of(events, ev.Transformed)
    assert first.theta == pytest.approx((0.1, 0.1))
    assert second.iteration == 2
    assert second.theta != pytest.approx(first.theta)


def test_a_warning_when_most_leaves_the_image_and_again_when_it_left_once_more(trained):
    solver, events = trained([1.5, 0.0], "display: 1")
    solver.step(3, FEED)
    (warning,) = of(events, ev.Notice)
    assert warning.severity == "warning"
    assert warning.message.startswith("75% of what layer 'st' samples at iteration 0 lies outside")
    place(solver, [0.0, 0.0])
    solver.step(1, FEED)
    place(solver, [0.0, -3.0])
    solver.step(2, FEED)
    assert [event.message[:4] for event in of(events, ev.Notice)] == ["75% ", "100%"]


def test_half_outside_is_no_reason_to_warn(trained):
    solver, events = trained([1.0, 0.0], "display: 1")
    solver.step(2, FEED)
    assert [event.outside for event in of(events, ev.Transformed)] == [0.5, 0.5]
    assert not of(events, ev.Notice)


def test_without_a_display_nothing_is_told(trained):
    solver, events = trained([2.0, 2.0], "display: 0")
    solver.step(3, FEED)
    assert not of(events, ev.Transformed)
    assert not of(events, ev.Notice)


def test_a_net_without_transformers_tells_nothing(make):
    events = []
    make("display: 1", listeners=[events.append]).step(2)
    assert not of(events, ev.Transformed)


def test_looking_changes_no_number(trained):
    losses = [trained([0.2, 0.1], f"display: {display}", 1)[0].step(5, FEED) for display in (0, 1)]
    assert losses[0] == losses[1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_what_a_replayed_graph_sampled_is_seen(trained):
    solver, events = trained([0.25, 0.0], "display: 1", 1, device="cuda", engine="graph")
    solver.step(12, FEED)
    thetas = [event.theta for event in of(events, ev.Transformed)]
    assert len(set(thetas)) == 12
