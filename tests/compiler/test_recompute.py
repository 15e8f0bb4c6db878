"""Segments that run again on the way back."""

import pytest
import torch

from netspec.compiler.lower import lower
from netspec.compiler.recompute import Segment, best_cuts, recompute_segments
from netspec.schema.messages import TRAIN

CHAIN = 'layer { name: "x" type: "Input" top: "b0" input_param { shape { dim: 4 dim: 64 } } }' + "".join(
    f'layer {{ name: "s{i}" type: "TanH" bottom: "b{i}" top: "b{i + 1}" }}' for i in range(25)
)

# All that changes by running: averages, those around the running mean, and a state that is carried on.
STATEFUL = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 6 dim: 3 } } }
layer { name: "f" type: "Input" top: "f" input_param { shape { dim: 6 } } }
layer { name: "norm" type: "BatchNorm" bottom: "x" top: "n" }
layer { name: "around" type: "BatchNorm" bottom: "n" top: "a"
  batch_norm_param { use_global_stats: true update_global_stats: true scale_bias: true } }
layer { name: "lstm" type: "Lstm" bottom: "a" bottom: "f" top: "h"
  lstm_param { num_output: 4 batch_size: 2 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "h" top: "d" }
layer { name: "ip" type: "InnerProduct" bottom: "d" top: "y"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "tanh" type: "TanH" bottom: "y" top: "z" }
layer { name: "sum" type: "Reduction" bottom: "z" top: "sum" loss_weight: 1 }
"""


def segments(module):
    return [child for child in module.children() if isinstance(child, Segment)]


def test_a_chain_is_cut_about_as_often_as_the_root_of_its_length(graph_of):
    module = lower(graph_of(CHAIN, TRAIN)).train()
    cuts = best_cuts(module)
    assert 3 <= len(cuts) <= 6
    assert len(segments(recompute_segments(module))) == len(cuts)  # the last part is kept


def test_what_is_too_small_is_left_alone(graph_of):
    module = lower(graph_of(CHAIN.partition('layer { name: "s2"')[0], TRAIN))
    assert recompute_segments(module) is module


@pytest.mark.parametrize("cut", range(1, 7))
def test_nothing_runs_on_twice(compile_text, monkeypatch, cut):
    monkeypatch.setattr("netspec.compiler.recompute.best_cuts", lambda module: [cut])
    results = []
    for recompute in (False, True):
        net = compile_text(STATEFUL, phase="TRAIN", seed=1, recompute=recompute, engine="eager")
        torch.manual_seed(5)
        for _ in range(3):
            x = torch.randn(6, 3)
            loss = net.loss(net(x=x, f=torch.ones(6)))
            loss.backward()
        states = {name: value.clone() for name, value in net.named_buffers()}
        results.append((loss, [param.grad for param in net.parameters()], net.state_dict(), states))
    torch.testing.assert_close(results[1], results[0])


def test_where_no_gradient_is_wanted_nothing_is_kept_ready(compile_text):
    net = compile_text(STATEFUL, phase="TRAIN", seed=1, recompute=True)
    plain = compile_text(STATEFUL, phase="TRAIN", seed=1)
    with torch.no_grad():
        torch.manual_seed(0)
        found = net(x=torch.ones(6, 3), f=torch.ones(6))
        torch.manual_seed(0)
        torch.testing.assert_close(found, plain(x=torch.ones(6, 3), f=torch.ones(6)))


def test_in_test_nothing_is_computed_twice(compile_text):
    assert segments(compile_text(CHAIN, recompute=True)._runner._run) == []
