"""The catalogue of update rules, and the rule that a solver asks for."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from netspec.schema.messages import SolverParameter
from netspec.solver.rules import RULES, make_rule


@dataclass
class Blob:
    parameter: nn.Parameter
    lr_mult: float = 1.0
    decay_mult: float = 1.0


def test_the_rules_are_caffes():
    assert list(RULES) == ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"]


@pytest.mark.parametrize("name", RULES)
def test_a_solver_gives_a_rule_its_options(name):
    param = SolverParameter(
        base_lr=0.5,
        weight_decay=0.25,
        momentum=0.75,
        momentum2=0.125,
        rms_decay=0.625,
        delta=0.0625,
        clip_gradients=7,
        iter_size=3,
        regularization_type="L1",
    )
    blobs = [Blob(nn.Parameter(torch.ones(2))), Blob(nn.Parameter(torch.ones(3)), lr_mult=2, decay_mult=0)]
    rule = make_rule(name, param, blobs)
    assert (rule.clip_gradients, rule.iter_size, rule.regularization_type) == (7, 3, "L1")
    assert [(group["lr_mult"], group["decay_mult"]) for group in rule.param_groups] == [(1, 1), (2, 0)]
    for group in rule.param_groups:
        assert (group["lr"], group["weight_decay"]) == (0.5, 0.25)
        assert {option: group[option] for option in rule.settings} == {
            option: getattr(param, option) for option in rule.settings
        }


@pytest.mark.parametrize("name", RULES)
def test_the_history_is_in_caffes_order(name):
    """All blobs' first buffers, then all blobs' second ones, whatever group a blob is in."""
    blobs = [Blob(nn.Parameter(torch.ones(size)), lr_mult=size % 2) for size in (1, 2, 3)]
    rule = make_rule(name, SolverParameter(base_lr=0.1), blobs)
    sizes = [len(buffer) for buffer in rule.history([blob.parameter for blob in blobs])]
    assert sizes == [1, 2, 3] * (2 if name in ("AdaDelta", "Adam") else 1)


def test_a_net_may_have_nothing_to_learn():
    make_rule("Adam", SolverParameter(base_lr=0.1), []).step()
