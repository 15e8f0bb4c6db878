"""``debug_info``: the magnitudes of a net, held against the same net written in PyTorch."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from netspec.errors import NotFiniteError
from netspec.solver import events as ev
from netspec.solver.debug_info import Watch

# `ip1` is rewritten in place and read twice, `ip2` twice too, once by a layer that is not on the way back.
NET = """layer { name: "in" type: "Input" top: "x" top: "y"
  input_param { shape { dim: 4 dim: 3 } shape { dim: 4 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "x" top: "ip1"
  param { name: "shared_w" } param { lr_mult: 0 }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } bias_filler { value: 0.5 } } }
layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" param { name: "shared_w" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "size" type: "Reduction" bottom: "ip1" top: "size" loss_weight: 0.25
  reduction_param { operation: SUMSQ } }
layer { name: "judge" type: "Accuracy" bottom: "ip2" bottom: "y" top: "accuracy" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "y" top: "loss" loss_weight: 2 }
"""
FIELDS = "debug_info: true\ndisplay: 2\nmomentum: 0\nweight_decay: 0\n"


@pytest.fixture
def feed():
    generator = torch.Generator().manual_seed(1)
    return {"x": torch.randn(4, 3, generator=generator), "y": torch.tensor([0.0, 2.0, 1.0, 1.0])}


@pytest.fixture
def told(make):
    def run(fields="", **options):
        events = []
        return make(FIELDS + fields, listeners=[events.append], **options), events

    return run


def only(events, kind):
    return [event for event in events if isinstance(event, kind)]


def told_of(magnitudes):
    return [(m.layer, m.side, m.blob) for m in magnitudes]


def test_a_whole_pass_against_pytorch(told, feed):
    solver, events = told(net=NET)
    (w1, b1), (_, b2) = ([blob.detach().clone() for blob in solver.net.params[n]] for n in ("ip1", "ip2"))
    solver.step(1, feed=feed)

    # Each use of a tensor under a name of its own, so that each has its own gradient.
    w1.requires_grad_()
    b2.requires_grad_()
    ip1 = F.linear(feed["x"], w1, b1)
    relu = F.relu(ip1)
    to_ip2, to_size = relu.clone(), relu.clone()
    ip2 = F.linear(to_ip2, w1, b2)
    to_loss = ip2.clone()
    size, loss = (to_size**2).sum(), F.cross_entropy(to_loss, feed["y"].long())
    for tensor in (ip1, relu, to_ip2, to_size, ip2, to_loss):
        tensor.retain_grad()
    (0.25 * size + 2 * loss).backward()
    accuracy = (ip2.argmax(1) == feed["y"]).float().mean()

    ip1_w, ip1_b = ("ip1", "param", "shared_w", w1), ("ip1", "param", "1", b1)
    expected = [
        ("in", "top", "x", feed["x"]),
        ("in", "top", "y", feed["y"]),
        *(("y_in_1_split", "top", f"y_in_1_split_{i}", feed["y"]) for i in range(2)),
        ("ip1", "top", "ip1", ip1),
        ip1_w,
        ip1_b,
        ("relu", "top", "ip1", relu),
        *(("ip1_relu_0_split", "top", f"ip1_relu_0_split_{i}", relu) for i in range(2)),
        ("ip2", "top", "ip2", ip2),
        ("ip2", "param", "shared_w", w1),
        ("ip2", "param", "1", b2),
        *(("ip2_ip2_0_split", "top", f"ip2_ip2_0_split_{i}", ip2) for i in range(2)),
        ("size", "top", "size", size),
        ("judge", "top", "accuracy", accuracy),
        ("loss", "top", "loss", loss),
    ]
    (forward,) = only(events, ev.ForwardInspected)
    assert (forward.iteration, forward.net) == (0, None)
    check(forward.data, expected)
    (backward,) = only(events, ev.BackwardInspected)
    check(
        backward.gradients,
        [
            ("loss", "bottom", "ip2_ip2_0_split_1", to_loss.grad),
            ("size", "bottom", "ip1_relu_0_split_1", to_size.grad),
            ("ip2_ip2_0_split", "bottom", "ip2", ip2.grad),
            ("ip2", "bottom", "ip1_relu_0_split_0", to_ip2.grad),
            ("ip2", "param", "0", w1.grad),
            ("ip2", "param", "1", b2.grad),
            ("ip1_relu_0_split", "bottom", "ip1", relu.grad),
            ("relu", "bottom", "ip1", ip1.grad),
            ("ip1", "param", "0", w1.grad),
        ],
    )
    data, gradients = torch.cat([w1.flatten(), b1, b2]).detach(), torch.cat([w1.grad.flatten(), b2.grad])
    assert backward.l1 == pytest.approx((float(data.abs().sum()), float(gradients.abs().sum())))
    assert backward.l2 == pytest.approx((float(data.norm()), float(gradients.norm())))
    (update,) = only(events, ev.UpdateInspected)
    rate = 0.05
    moved = [("ip1", "shared_w", w1, w1.grad), ("ip1", "1", b1, b1 * 0), ("ip2", "1", b2, b2.grad)]
    assert [(p.layer, p.param) for p in update.params] == [entry[:2] for entry in moved]
    for param, (_, _, old, gradient) in zip(update.params, moved, strict=True):
        assert param.data == pytest.approx(mean(old))
        assert param.change == pytest.approx(rate * mean(gradient), rel=1e-4)


def mean(tensor):
    return float(tensor.detach().abs().mean())


def check(magnitudes, expected):
    assert told_of(magnitudes) == [entry[:3] for entry in expected]
    for magnitude, (*_, tensor) in zip(magnitudes, expected, strict=True):
        assert magnitude.mean == pytest.approx(mean(tensor), rel=1e-5), magnitude


def test_a_blob_with_a_loss_weight_keeps_a_copy_for_the_loss(told, feed):
    net = NET.replace('reduction_param { operation: SUMSQ } }', 'reduction_param { operation: SUMSQ } }\n'
                      'layer { name: "root" type: "Power" bottom: "size" top: "root" }')  # fmt: skip
    solver, events = told(net=net)
    solver.step(1, feed=feed)
    (forward,) = only(events, ev.ForwardInspected)
    copies = [m.blob for m in forward.data if m.layer == "size_size_0_split"]
    assert copies == ["size_size_0_split_0", "size_size_0_split_1"]


def test_only_where_it_is_displayed_and_every_sub_iteration(told, feed):
    solver, events = told("iter_size: 3\n", net=NET)
    solver.step(5, feed=feed)
    for kind, times in ((ev.ForwardInspected, 3), (ev.BackwardInspected, 3), (ev.UpdateInspected, 1)):
        assert [event.iteration for event in only(events, kind)] == [
            i for i in (0, 2, 4) for _ in range(times)
        ]
    # The gradients sum up: with the same batch each time, to twice and three times as much.
    norms = [event.l1[1] for event in only(events, ev.BackwardInspected)[:3]]
    assert norms == pytest.approx([norms[0], 2 * norms[0], 3 * norms[0]])
    kinds = [type(e).__name__ for e in events if not isinstance(e, ev.Iterated)][:8]
    assert kinds == ["ForwardInspected", "BackwardInspected"] * 3 + ["Displayed", "UpdateInspected"]


def test_test_nets_tell_of_every_batch(told):
    tests = "test_iter: 2\ntest_interval: 1\n"
    solver, events = told(tests)
    solver.step(1)
    forward = only(events, ev.ForwardInspected)
    assert [event.net for event in forward] == [0, 0, None]
    assert len(only(events, ev.BackwardInspected)) == 1
    assert ("accuracy", "top", "accuracy") in told_of(forward[0].data)


def test_the_nets_own_debug_info(make, feed):
    events = []
    solver = make("display: 1", net=f"debug_info: true {NET}", listeners=[events.append])
    solver.step(1, feed=feed)
    assert len(only(events, ev.BackwardInspected)) == 1


def test_it_changes_nothing_and_leaves_nothing_behind(make):
    weights = []
    for fields in ("display: 1", "display: 1\ndebug_info: true"):
        solver = make(f"{fields}\nmax_iter: 6\niter_size: 2")
        solver.train()
        weights.append([blob.detach().clone() for blob in solver.net.parameters()])
        modules = [solver.net.graph_module, *solver.net.modules()]
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    assert all(torch.equal(*pair) for pair in zip(*weights, strict=True))


def test_a_layer_that_hands_out_its_own_blob_keeps_no_hook(told):
    net = """layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 3 } } }
    layer { name: "size" type: "Reduction" bottom: "p" top: "size" loss_weight: 1 }"""
    solver, events = told(net=net)
    solver.step(1)
    (backward,) = only(events, ev.BackwardInspected)
    assert told_of(backward.gradients) == [("size", "bottom", "p"), ("p", "param", "0")]
    assert not solver.net.params["p"][0]._backward_hooks


def test_what_went_before_a_loss_that_is_not_finite_is_told(told, feed):
    feed["x"][0, 0] = math.nan
    solver, events = told(net=NET)
    with pytest.raises(NotFiniteError):
        solver.step(1, feed=feed)
    (forward,) = only(events, ev.ForwardInspected)
    assert math.isnan(forward.data[0].mean)
    assert not only(events, ev.BackwardInspected)


def test_hooks_go_when_a_pass_fails(make, feed):
    net = make(net=NET).net
    with pytest.raises(ZeroDivisionError), Watch(net):
        raise ZeroDivisionError
    assert not any(module._forward_hooks for module in net.modules())
