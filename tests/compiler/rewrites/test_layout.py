"""Channels last where that pays."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from netspec.compiler.rewrites.in_place import work_in_place
from netspec.compiler.rewrites.layout import channels_last, lay_out

CPU = torch.device("cpu")
on_cpu = partial(lay_out, device=CPU, dtype=torch.float32)
INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 4, 9, 8] } } }\n'
POOL = (
    'layer { name: "pool" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 stride: 2 } }\n'
)
FULL = "inner_product_param { num_output: 3 }"


def layer(name, type, bottoms, top, param=""):
    wires = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
    return f'layer {{ name: "{name}" type: "{type}" {wires} top: "{top}" {param} }}\n'


def conv(name, bottom, top, outputs=4, more="kernel_size: 3 pad: 1"):
    filler = 'weight_filler { type: "xavier" }'
    return layer(
        name, "Convolution", bottom, top, f"convolution_param {{ num_output: {outputs} {more} {filler} }}"
    )


def test_in_at_the_first_layer_that_gains_and_out_at_the_end(apply, lowered):
    text = INPUT + conv("conv", "x", "a") + layer("relu", "ReLU", "a", "a") + POOL.replace('"x"', '"a"')
    left, changed = apply(on_cpu, lowered(text), 1e-5)
    assert left == ["channels_last", "conv", "relu", "pool", "channels_first"]
    assert changed == ["conv", "relu", "pool"]


def test_what_may_ask_for_channels_first_gets_them(apply, lowered):
    text = INPUT + POOL + layer("full", "InnerProduct", "y", "z", "inner_product_param { num_output: 3 }")
    assert apply(on_cpu, lowered(text), 1e-5)[0] == ["channels_last", "pool", "channels_first", "full"]


def test_a_tensor_is_changed_once_for_all_its_readers(apply, lowered):
    text = INPUT + POOL + POOL.replace('"pool"', '"again"').replace('"y"', '"z"')
    left, _ = apply(on_cpu, lowered(text), 1e-5)
    assert left == ["channels_last", "pool", "again", "channels_first", "channels_first"]


def in_place_on_cpu(module):
    work_in_place(module)
    return on_cpu(module)


def test_a_relu_in_place_overwrites_what_was_changed(apply, lowered):
    text = INPUT + POOL + layer("relu", "ReLU", "y", "y") + layer("full", "InnerProduct", "y", "z", FULL)
    left, changed = apply(in_place_on_cpu, lowered(text), 1e-5)
    assert left == ["channels_last", "pool", "channels_first", "relu_", "full"]
    assert changed == ["pool"]


def test_a_relu_with_a_reader_of_each_kind_goes_as_its_bottom_does(apply, lowered):
    text = INPUT + POOL + layer("relu", "ReLU", "y", "y") + layer("full", "InnerProduct", "y", "z", FULL)
    text += POOL.replace('"pool"', '"again"').replace('"y"', '"w"').replace('"x"', '"y"')
    left, changed = apply(in_place_on_cpu, lowered(text), 1e-5)
    assert left[:3] == ["channels_last", "pool", "relu_"]
    assert changed == ["pool", "relu", "again"]


def test_a_transformer_takes_both_orders(apply, lowered):
    theta = 'layer { name: "theta" type: "Input" top: "theta" input_param { shape { dim: [2, 6] } } }\n'
    text = INPUT + theta + POOL + layer("st", "SpatialTransformer", "y theta", "z")
    left, changed = apply(on_cpu, lowered(text), 1e-5)
    assert left == ["channels_last", "pool", "st"]
    assert changed == ["pool"]


@pytest.mark.parametrize(("type", "param"), [("Concat", ""), ("Eltwise", "")])
def test_what_follows_takes_all_bottoms_alike(apply, lowered, type, param):
    text = INPUT + POOL.replace("stride: 2", "pad: 1") + layer("both", type, "x y", "z", param)
    left, _ = apply(on_cpu, lowered(text), 1e-5)
    assert left == ["channels_last", "pool", "both", "channels_first"]


@pytest.mark.parametrize(
    "text",
    [
        POOL.replace("stride: 2", "stride: 7"),  # windows of our own making
        POOL.replace("stride: 2", "stride: 2 pad: 2"),
        POOL.replace("kernel_size: 3 stride: 2", "pool: AVE kernel_size: 3 stride: 2 pad: 1"),
        POOL.replace("kernel_size: 3 stride: 2", "pool: AVE global_pooling: true"),
        conv("c", "x", "y", more="kernel_size: 3 group: 2 dilation: 2 pad: 2"),
        conv("c", "x", "y", more="kernel_size: 1 stride: 2"),
        layer("b", "BatchNorm", "x", "y"),
        POOL + layer("l", "LRN", "y", "z"),
        POOL + layer("l", "LRN", "y", "z", "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 }"),
        POOL + layer("l", "ContrastiveNormalization", "y", "z"),
        POOL + layer("l", "PReLU", "y", "z"),
        POOL + layer("l", "Scale", "y", "z", "scale_param { bias_term: true }"),
        POOL + layer("l", "Scale", "y", "z", "scale_param { axis: 2 num_axes: 2 }"),
        POOL + layer("l", "Concat", "y y", "z", "concat_param { axis: 2 }"),
        POOL + layer("l", "Eltwise", "y y", "z", "eltwise_param { operation: MAX }"),
        POOL + layer("l", "Softmax", "y", "z"),
        POOL + layer("l", "Flatten", "y", "z"),
        POOL + layer("l", "Slice", "y", "z", 'top: "w"'),
        POOL + layer("l", "Permute", "y", "z", "permute_param { order: [0, 2, 3, 1] }"),
        POOL + layer("l", "Deconvolution", "y", "z", "convolution_param { num_output: 3 kernel_size: 2 }"),
        POOL + layer("l", "Split", "y", "z", 'top: "w"'),
        POOL + layer("l", "MVN", "y", "z"),
        POOL + layer("l", "Reduction", "y", "z", "reduction_param { axis: 2 }"),
        POOL + layer("l", "Dropout", "y", "z"),
    ],
)
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_the_same_numbers(apply, lowered, text, phase):
    left, changed = apply(on_cpu, lowered(INPUT + text, phase), 2e-5)
    assert left[0] == "channels_last"
    assert changed


def test_a_scale_of_two_bottoms(apply, lowered):
    factor = INPUT.replace('"in"', '"f"').replace('"x"', '"f"').replace("[2, 4, 9, 8]", "[2, 4]")
    text = INPUT + factor + POOL + layer("s", "Scale", "y f", "z", "scale_param { axis: 0 }")
    assert apply(on_cpu, lowered(text), 1e-5)[0] == ["channels_last", "pool", "channels_first", "s"]


@pytest.mark.parametrize(
    "text",
    [
        POOL,
        layer("l", "BatchNorm", "x", "y"),
    ],
)
def test_few_channels_gain_nothing(apply, lowered, text):
    assert apply(on_cpu, lowered(INPUT.replace("4, 9", "3, 9") + text), 1e-5)[1] == []


@pytest.mark.parametrize(("outputs", "last"), [(2047, ["conv"]), (2048, [])])
def test_a_large_weight_has_its_channels_first(apply, lowered, outputs, last):
    text = INPUT.replace("[2, 4, 9, 8]", "[1, 256, 2, 2]") + conv("conv", "x", "y", outputs, "kernel_size: 1")
    assert apply(on_cpu, lowered(text), 1e-5)[1] == last


def test_one_channel_is_told_apart():
    x = channels_last(torch.randn(2, 1, 5, 6))
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.nn.functional.conv2d(x, torch.randn(3, 1, 2, 2)).stride(1) == 1


@pytest.mark.parametrize(
    ("device", "dtype", "pays"),
    [
        ("cpu", torch.float32, True),
        ("cpu", torch.float64, False),
        ("cuda", torch.float32, False),
        ("cuda", torch.float16, True),
        ("cuda", torch.bfloat16, True),
        ("meta", torch.float32, False),
    ],
)
def test_where_it_pays(lowered, device, dtype, pays):
    assert bool(lay_out(lowered(INPUT + POOL), torch.device(device), dtype)) == pays


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_on_a_gpu(compile_text, precision):
    text = INPUT + conv("conv", "x", "a", 8) + POOL.replace('"x"', '"a"')
    nets = [
        compile_text(
            text, phase="TRAIN", seed=1, device="cuda", precision=precision, engine="eager", rewrite=on
        )
        for on in (True, False)
    ]
    assert "channels last: 2" in map(str, nets[0].rewrites)
    x = torch.randn(2, 4, 9, 8, device="cuda")
    found, expected = (net(x=x)["y"] for net in nets)
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=2e-2)


def test_parameters_and_their_gradients_stay_as_they_are(compile_text):
    net = compile_text(INPUT + conv("conv", "x", "a") + POOL.replace('"x"', '"a"'), phase="TRAIN", seed=1)
    net(x=torch.randn(2, 4, 9, 8))["y"].sum().backward()
    weight = net.params["conv"][0]
    assert weight.is_contiguous()
    assert weight.grad.is_contiguous()
    assert weight.view(-1).shape == (4 * 4 * 9,)
