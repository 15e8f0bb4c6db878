"""Folding BatchNorm and Scale into what stands above them."""

from __future__ import annotations

import pytest
import torch

from netspec.compiler.rewrites.channel_maps import fold_channel_maps

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [4, 4, 6, 6] } } }\n'
CONV = 'convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" }'
ABOVE = {
    "plain": f'type: "Convolution" {CONV} }}',
    "no bias": f'type: "Convolution" {CONV} bias_term: false }}',
    "groups": f'type: "Convolution" {CONV} group: 2 }}',
    "transposed": f'type: "Deconvolution" {CONV} }}',
    "transposed groups": f'type: "Deconvolution" {CONV} group: 2 }}',
    "depthwise": 'type: "ConvolutionDepthwise" convolution_param { kernel_size: 3 }',
    "full": 'type: "InnerProduct" inner_product_param { num_output: 6 axis: 1 }',
    "full, W^T": 'type: "InnerProduct" inner_product_param { num_output: 6 transpose: true }',
}
MAPS = """
layer { name: "bn" type: "BatchNorm" bottom: "y" top: "y" batch_norm_param { eps: 0.01 } }
layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }
"""


def net(above, maps=MAPS, batch=100):
    layer = f'layer {{ name: "above" {ABOVE[above]} bottom: "x" top: "y" }}\n'
    return INPUT.replace("[4,", f"[{batch},") + layer + maps


@pytest.mark.parametrize("above", [name for name in ABOVE if "full" not in name])
def test_folded_into_a_convolution(apply, lowered, above):
    found = apply(fold_channel_maps, lowered(net(above)), 1e-4)
    assert found == (["above_bn_scale"], ["above", "bn", "scale"])


@pytest.mark.parametrize("above", ["full", "full, W^T"])
def test_folded_into_an_inner_product(apply, lowered, above):
    left, _ = apply(fold_channel_maps, lowered(net(above, batch=200)), 1e-4)
    assert left == ["above_bn_scale"]


def test_what_has_more_weights_than_tops_is_left_alone_and_the_maps_become_one(apply, lowered):
    left, changed = apply(fold_channel_maps, lowered(net("full", batch=2)), 1e-4)
    assert left == ["above", "bn_scale"]
    assert changed == ["bn", "scale"]


def test_maps_behind_something_else_become_one(apply, lowered):
    text = INPUT + 'layer { name: "abs" type: "AbsVal" bottom: "x" top: "y" }' + MAPS
    assert apply(fold_channel_maps, lowered(text), 1e-4)[0] == ["abs", "bn_scale"]


@pytest.mark.parametrize(
    "map",
    [
        'layer { name: "m" type: "Scale" bottom: "y" top: "y" }',
        'layer { name: "m" type: "BN" bottom: "y" top: "y" }',
        'layer { name: "m" type: "BatchNorm" bottom: "y" top: "y" batch_norm_param { scale_bias: true } }',
    ],
)
def test_each_map_alone(apply, lowered, map):
    assert apply(fold_channel_maps, lowered(net("plain", map)), 1e-4)[0] == ["above_m"]


@pytest.mark.parametrize(
    "layer",
    [
        'layer { name: "m" type: "Scale" bottom: "y" top: "y" scale_param { axis: 2 } }',
        'layer { name: "m" type: "BatchNorm" bottom: "y" top: "y" '
        "batch_norm_param { use_global_stats: false } }",
    ],
)
def test_no_map_of_channels(apply, lowered, layer):
    assert apply(fold_channel_maps, lowered(net("plain", layer)), 1e-4)[1] == []


def test_statistics_of_the_batch_are_no_map(apply, lowered):
    assert apply(fold_channel_maps, lowered(net("plain"), "TRAIN"), 1e-4)[1] == []


def test_fixed_statistics_fold_in_training_too(apply, lowered):
    text = net("plain").replace("eps: 0.01", "use_global_stats: true")
    assert apply(fold_channel_maps, lowered(text, "TRAIN"), 1e-4)[0] == ["above_bn_scale"]


def test_not_where_the_net_gives_what_lies_between(apply, lowered):
    text = net(
        "plain", MAPS.replace('bottom: "y" top: "y" scale', 'bottom: "y" top: "z" loss_weight: 1 scale')
    )
    text = text.replace('name: "bn" type: "BatchNorm" bottom: "y" top: "y"',
                        'name: "bn" type: "BatchNorm" bottom: "y" top: "y" loss_weight: 1')  # fmt: skip
    assert apply(fold_channel_maps, lowered(text), 1e-4)[0] == ["above_bn", "scale"]


def test_blobs_that_change_later_count(compile_text):
    """However they change: no number of theirs is kept."""
    net_, plain = (compile_text(net("plain"), seed=1, rewrite=on) for on in (True, False))
    x = torch.randn(100, 4, 6, 6)
    net_(x=x)
    for each in (net_, plain):
        each.params["above"][0].data.mul_(3)
        each.params["bn"][1].detach().numpy()[:] = 5
        each.params["bn"][2].detach().numpy()[:] = 2
        each.params["scale"][0].data = torch.full((6,), 0.5)
    torch.testing.assert_close(net_(x=x)["y"], plain(x=x)["y"], rtol=1e-4, atol=1e-5)
    plain.params["above"][0].data.mul_(2)
    net_.share_weights_with(plain)
    torch.testing.assert_close(net_(x=x)["y"], plain(x=x)["y"], rtol=1e-4, atol=1e-5)
