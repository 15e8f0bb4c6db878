"""Overwriting what nobody needs any more."""

from __future__ import annotations

import pytest
import torch

from netspec.compiler.rewrites.in_place import add_to, work_in_place

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 3, 6, 6] } } }\n'
CONV = """layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
  convolution_param { num_output: 3 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
"""
RELU = 'layer { name: "relu" type: "ReLU" bottom: "y" top: "z" }\n'
SUM = 'layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "y" top: "z" }\n'
THEN = 'layer { name: "then" type: "ReLU" bottom: "z" top: "z" }\n'


def layer(type, param=""):
    return f'layer {{ name: "above" type: "{type}" bottom: "x" top: "y" {param} }}\n'


def test_relu_overwrites_a_convolution(apply, lowered):
    assert apply(work_in_place, lowered(INPUT + CONV + RELU), 0) == (["conv", "relu_"], ["relu"])


@pytest.mark.parametrize("order", ['bottom: "x" bottom: "y"', 'bottom: "y" bottom: "x"'])
def test_a_sum_overwrites_what_is_free_and_is_free_itself(apply, lowered, order):
    text = INPUT + CONV + SUM.replace('bottom: "x" bottom: "y"', order) + THEN
    assert apply(work_in_place, lowered(text), 0)[0] == ["conv", "add_to", "relu_"]


@pytest.mark.parametrize(
    "above",
    [
        layer("Pooling", "pooling_param { kernel_size: 2 stride: 2 }"),
        layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 1 pool: AVE }"),
        layer("Pooling", "pooling_param { global_pooling: true pool: AVE }"),
        layer("LRN"),
        layer("BatchNorm"),
        layer("Scale", "scale_param { bias_term: true }"),
        layer("InnerProduct", "inner_product_param { num_output: 4 }"),
        layer("InnerProduct", "inner_product_param { num_output: 4 axis: 2 }"),
        layer("Convolution", "convolution_param { num_output: 4 kernel_size: 2 axis: 1 group: 1 }"),
        layer("Deconvolution", "convolution_param { num_output: 4 kernel_size: 2 stride: 2 }"),
        'layer { name: "above" type: "Concat" bottom: "x" bottom: "x" top: "y" }\n',
        'layer { name: "above" type: "Eltwise" bottom: "x" bottom: "x" top: "y" }\n',
        SUM.replace('bottom: "y" top: "z"', 'bottom: "x" top: "y" eltwise_param { operation: PROD }'),
        SUM.replace('bottom: "y" top: "z"', 'bottom: "x" top: "y" eltwise_param { operation: MAX }'),
    ],
)
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_relu_overwrites_these(apply, lowered, above, phase):
    assert apply(work_in_place, lowered(INPUT + above + RELU, phase), 0)[1] == ["relu"]


@pytest.mark.parametrize(
    "text",
    [
        RELU.replace('"y"', '"x"'),  # what the caller gave
        layer("Sigmoid") + RELU,  # whose gradient needs its top
        layer("Flatten") + RELU,  # whose top is its bottom in other words
        CONV + RELU + 'layer { name: "other" type: "AbsVal" bottom: "y" top: "other" }\n',
        CONV.replace('top: "y"', 'top: "y" loss_weight: 1') + RELU,
        CONV + RELU.replace(" }", " relu_param { negative_slope: 0.5 } }"),
        CONV + SUM.replace(" }", " eltwise_param { coeff: 1 coeff: -1 } }"),
        CONV + SUM.replace(" }", " eltwise_param { operation: PROD } }"),
        CONV + SUM.replace(" }", " propagate_down: true propagate_down: false }"),
        layer("Slice", 'top: "other" slice_param { slice_point: 1 }') + RELU,
    ],
)
def test_not_these(apply, lowered, text):
    assert apply(work_in_place, lowered(INPUT + text), 0)[1] == []


def test_a_sum_of_two_types_keeps_the_wider_one():
    half = torch.ones(2, dtype=torch.bfloat16)
    assert add_to(half, torch.full((2,), 0.001)).tolist() == pytest.approx([1.001, 1.001])
    assert half.tolist() == [1, 1]


def test_less_is_kept_for_the_way_back(compile_text):
    kept = []
    for rewrite in (True, False):
        net = compile_text(INPUT + CONV + SUM + THEN, phase="TRAIN", seed=1, rewrite=rewrite)
        tensors = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda value, to=tensors: to.setdefault(value.data_ptr(), value), lambda value: value
        ):
            outputs = net(x=torch.randn(2, 3, 6, 6))
        assert outputs
        kept.append(len(tensors))
    assert kept[0] <= kept[1]
