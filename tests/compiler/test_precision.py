"""How exactly a net computes."""

import pytest
import torch

from netspec.compiler.precision import exact_nodes, products
from netspec.schema.messages import TRAIN

INPUTS = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 } } }
"""
NET = (
    INPUTS
    + """layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "hidden" type: "InnerProduct" bottom: "c" top: "h"
  inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
layer { name: "loc" type: "InnerProduct" bottom: "h" top: "free"
  inner_product_param { num_output: 6 weight_filler { type: "gaussian" std: 0.01 }
    bias_filler { type: "constant" value: 0.5 } } }
layer { name: "theta" type: "Power" bottom: "free" top: "theta" power_param { scale: 1.0 } }
layer { name: "st" type: "SpatialTransformer" bottom: "c" bottom: "theta" top: "s"
  st_param { output_H: 4 output_W: 4 } }
layer { name: "norm" type: "LRN" bottom: "s" top: "n" }
layer { name: "ip" type: "InnerProduct" bottom: "n" top: "y"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }
layer { name: "mean" type: "Reduction" bottom: "y" top: "mean" loss_weight: 0.1 }
"""
)


@pytest.fixture
def feeds():
    torch.manual_seed(0)
    return {"x": torch.randn(2, 3, 8, 8), "t": torch.tensor([1.0, 4.0])}


def types(net, feeds):
    """The type of each layer's top."""
    found = {}
    for node in net.graph.nodes:
        node.layer.register_forward_hook(lambda layer, _, top: found.update({layer.name: top.dtype}))
    net(**feeds)
    return found


def test_losses_and_what_leads_to_positions_stay_in_float32(graph_of):
    graph = graph_of(NET, TRAIN)
    assert {node.key for node in exact_nodes(graph)} == {"loc", "theta", "norm", "loss", "mean"}


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_half_precision_where_little_is_lost_by_it(compile_text, feeds, precision, dtype):
    net = compile_text(NET, phase="TRAIN", seed=1, precision=precision)
    found = types(net, feeds)
    assert {name for name, kind in found.items() if kind == dtype} == {"conv", "hidden", "st", "ip"}
    assert {found[name] for name in ("loc", "theta", "norm", "loss", "mean")} == {torch.float32}
    assert {blob.dtype for blob in net.parameters()} == {torch.float32}


@pytest.mark.parametrize("precision", ["bf16", "fp16", "tf32"])
def test_losses_and_gradients_are_near(compile_text, feeds, precision):
    exact, rough = (compile_text(NET, phase="TRAIN", seed=1, precision=kind) for kind in ("fp32", precision))
    losses = [net.loss(net(**feeds)) for net in (exact, rough)]
    torch.testing.assert_close(losses[1], losses[0], rtol=0.02, atol=0.02)
    for loss in losses:
        loss.backward()
    for mine, other in zip(rough.parameters(), exact.parameters(), strict=True):
        assert mine.grad.dtype == torch.float32
        torch.testing.assert_close(mine.grad, other.grad, rtol=0.1, atol=0.05)


def test_float32_is_what_it_was_to_the_bit(compile_text, feeds):
    nets = [compile_text(NET, phase="TRAIN", seed=1, **kind) for kind in ({}, {"precision": "tf32"})]
    first, second = (net(**feeds) for net in nets)  # on the CPU there is no TF32
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_a_caller_s_autocast_is_left_alone(compile_text, feeds):
    net = compile_text(NET, phase="TRAIN", seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        assert types(net, feeds)["conv"] == torch.bfloat16


@pytest.mark.parametrize(("precision", "wanted"), [("fp32", False), ("bf16", False), ("tf32", True)])
def test_tf32_only_where_asked_for(precision, wanted):
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    with products(precision):
        assert (matmul.allow_tf32, cudnn.allow_tf32) == (wanted, wanted)
    assert (matmul.allow_tf32, cudnn.allow_tf32) == before


def test_tf32_where_somebody_uses_pytorch_s_newer_settings(monkeypatch):
    conv = getattr(torch.backends.cudnn, "conv", None)
    if not hasattr(conv, "fp32_precision"):
        pytest.skip("this PyTorch has no such settings")
    before = conv.fp32_precision
    try:
        conv.fp32_precision = "ieee"  # recurrent layers keep TF32, which the older setting cannot say
        with products("tf32"):
            assert conv.fp32_precision == "tf32"
        assert conv.fp32_precision == "ieee"
    finally:
        conv.fp32_precision = before


def test_a_precision_that_does_not_exist(compile_text):
    with pytest.raises(ValueError, match="precision is one of fp32, tf32, bf16, fp16, not 'fp8'"):
        compile_text(NET, precision="fp8")
