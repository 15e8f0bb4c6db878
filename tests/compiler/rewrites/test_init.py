"""All rewrites together, and nets that run with them."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from netspec.compiler.compute import Compute
from netspec.compiler.rewrites import rewrite

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 3, 12, 12] } } }
layer { name: "copy" type: "Split" bottom: "x" top: "a" top: "b" }
layer { name: "conv" type: "Convolution" bottom: "a" top: "c"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "scale" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }
layer { name: "pool" type: "Pooling" bottom: "c" top: "d" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "d" top: "d" }
layer { name: "full" type: "InnerProduct" bottom: "d" top: "e"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "full_relu" type: "ReLU" bottom: "e" top: "e" }
layer { name: "hush" type: "Silence" bottom: "b" }
"""
X = torch.linspace(-1, 1, 2 * 3 * 144).sin().view(2, 3, 12, 12)
CPU = torch.device("cpu")


def done(net):
    return {applied.name: [layer.name for layer in applied.layers] for applied in net.rewrites}


def test_what_is_done_in_training(compile_text):
    assert done(compile_text(NET, phase="TRAIN")) == {
        "identities removed": ["copy", "hush"],
        "BatchNorm and Scale joined": ["bn", "scale"],
        "pooled before ReLU": ["relu", "pool"],
        "in place": ["relu", "full_relu"],
        "channels last": ["conv", "scale", "pool"],
    }


def test_what_is_done_in_test(compile_text):
    net = compile_text(NET)
    assert done(net) == {
        "identities removed": ["copy", "drop", "hush"],
        "folded": ["conv", "bn", "scale"],
        "pooled before ReLU": ["relu", "pool"],
        "in place": ["relu", "full_relu"],
        "channels last": ["scale", "pool"],
    }
    assert [str(applied) for applied in net.rewrites][:2] == ["identities removed: 3", "folded: 3"]


def test_the_given_module_stays_as_it_is(compile_text):
    module = compile_text(NET, rewrite=False).graph_module
    code, children = module.code, [name for name, _ in module.named_children()]
    quick = rewrite(module, CPU, torch.float32, Compute()).module
    assert quick.code != code
    assert (module.code, [name for name, _ in module.named_children()]) == (code, children)


def test_switched_off_as_a_whole(compile_text):
    net = compile_text(NET, rewrite=False)
    assert net.rewrites == ()
    assert rewrite(net.graph_module, CPU, torch.float32, Compute(rewrite=False)).module is net.graph_module


def test_nothing_is_overwritten_where_parts_run_twice(compile_text):
    assert "in place" not in done(compile_text(NET, phase="TRAIN", recompute=True))


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_training_goes_the_same_way(compile_text, phase):
    nets = [compile_text(NET, phase=phase, seed=1, rewrite=on) for on in (True, False)]
    losses = []
    for net in nets:
        torch.manual_seed(7)  # Dropout draws alike
        optimizer = torch.optim.SGD([blob for blob in net.parameters() if blob.requires_grad], 0.05)
        for _ in range(5):
            optimizer.zero_grad()
            loss = (net(x=X)["e"] - 1).square().sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[:5] == pytest.approx(losses[5:], rel=1e-4)
    assert losses[4] != losses[0]


def test_a_hook_on_a_layer_that_is_passed_by_sees_what_the_text_says(compile_text):
    net, seen = compile_text(NET, seed=1), []
    expected = net(x=X)["e"]
    handle = net.get_submodule("relu").register_forward_hook(lambda *args: seen.append(args[2].shape))
    torch.testing.assert_close(net(x=X)["e"], expected, rtol=1e-5, atol=1e-6)
    assert seen == [(2, 8, 12, 12)]
    handle.remove()
    net(x=X)
    assert len(seen) == 1


def test_a_layer_that_changes_its_phase_is_obeyed(compile_text):
    net, plain = (compile_text(NET, seed=1, rewrite=on) for on in (True, False))
    for each in (net, plain):
        each.get_submodule("drop").train()
    found = []
    for each in (net, plain):
        torch.manual_seed(7)
        found.append(each(x=X)["e"])
    torch.testing.assert_close(*found)
    assert not torch.equal(found[0], compile_text(NET, seed=1)(x=X)["e"])


def test_double_precision(compile_text):
    net, plain = (compile_text(NET, seed=1, rewrite=on).double() for on in (True, False))
    assert "channels last" not in done(net)
    torch.testing.assert_close(net(x=X)["e"], plain(x=X)["e"], rtol=1e-12, atol=1e-12)


def test_gradients_in_double_precision(compile_text):
    net = compile_text(NET).double()
    x = X.double()[:, :, :4, :4].repeat(1, 1, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: net(x=x)["e"], x, fast_mode=True)


def test_a_copy_is_its_own_net(compile_text):
    net = compile_text(NET, seed=1)
    before = net(x=X)["e"]
    twin = deepcopy(net)
    with torch.no_grad():
        for blob in twin.params["conv"]:
            blob.mul_(-2)
    assert not torch.allclose(twin(x=X)["e"], before)
    torch.testing.assert_close(net(x=X)["e"], before)


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_one_graph_for_torch_compile(compile_text, phase):
    net = compile_text(NET.replace("Dropout", "Sigmoid"), phase=phase, seed=1)
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x=X)["e"], net(x=X)["e"], rtol=1e-4, atol=1e-5)


def test_another_batch_size(compile_text):
    net, plain = (compile_text(NET, seed=1, rewrite=on) for on in (True, False))
    torch.testing.assert_close(net(x=X[:1])["e"], plain(x=X[:1])["e"], rtol=1e-5, atol=1e-6)
