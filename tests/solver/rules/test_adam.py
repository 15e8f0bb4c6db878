import torch
from torch import nn

from netspec.solver.rules import Adam


def test_the_first_step_has_the_length_of_the_rate():
    """Both corrections make up for averages that start at zero."""
    weight = nn.Parameter(torch.tensor([1.0]))
    rule = Adam([weight], lr=0.25, delta=0.0)
    weight.grad = torch.tensor([123.0])
    rule.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([0.75]))


def test_the_iteration_may_come_from_a_snapshot():
    """At a late iteration nothing is left to make up for."""
    weight = nn.Parameter(torch.tensor([1.0]))
    rule = Adam([weight], lr=1.0, momentum=0.5, momentum2=0.75, delta=0.0)
    rule.iteration = 10**6
    weight.grad = torch.tensor([2.0])
    rule.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([1 - 0.5 * 2 / (0.25 * 4) ** 0.5]))
    assert rule.iteration == 10**6 + 1
