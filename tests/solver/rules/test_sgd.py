import torch
from torch import nn

from netspec.solver.rules import SGD


def test_the_rate_is_inside_the_momentum():
    """After the rate falls to zero, the old steps still go on: not so in torch.optim.SGD."""
    weight = nn.Parameter(torch.tensor([1.0]))
    rule = SGD([weight], lr=0.5, momentum=0.5)
    weight.grad = torch.tensor([1.0])
    rule.step()
    rule.param_groups[0]["lr"] = 0.0
    rule.step()
    assert weight.item() == 1 - 0.5 - 0.25


def test_a_fixed_blob_has_a_history_and_stays():
    weight = nn.Parameter(torch.tensor([1.0]), requires_grad=False)
    rule = SGD([{"params": [weight], "lr_mult": 0.0}], lr=0.5, momentum=0.5, weight_decay=1.0)
    rule.step()
    assert weight.item() == 1
    assert [buffer.tolist() for buffer in rule.history([weight])] == [[0]]
