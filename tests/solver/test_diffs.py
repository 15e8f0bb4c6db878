import pytest
import torch
from torch import nn

from netspec.solver.diffs import note_diffs
from netspec.solver.rules import RULES


def trained(rule, steps, noted):
    """Parameters after some steps, and what the last one subtracted; the second one is frozen."""
    draw = torch.Generator().manual_seed(1)
    params = [nn.Parameter(torch.randn(5, generator=draw)) for _ in range(2)]
    groups = [{"params": params[:1]}, {"params": params[1:], "lr_mult": 0.0}]
    optimizer = RULES[rule](groups, lr=0.01, weight_decay=0.1)
    diffs = note_diffs(optimizer) if noted else {}
    for _ in range(steps):
        for param in params:
            param.grad = torch.randn(5, generator=draw)
        optimizer.step()
    return params, diffs


@pytest.mark.parametrize("rule", RULES)
def test_the_last_step_is_noted_and_nothing_else_changes(rule):
    params, diffs = trained(rule, 4, noted=True)
    plain, _ = trained(rule, 4, noted=False)
    before, _ = trained(rule, 3, noted=False)
    assert all(torch.equal(a, b) for a, b in zip(params, plain, strict=True))
    torch.testing.assert_close(before[0] - diffs[params[0]], params[0], rtol=1e-6, atol=1e-8)
    assert not diffs.get(params[1], torch.zeros(5)).any()
