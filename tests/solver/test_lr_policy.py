import math

import pytest

from netspec.schema.messages import SolverParameter
from netspec.solver.lr_policy import Plateau, current_step, learning_rate


def param(policy, **fields):
    return SolverParameter(base_lr=0.5, lr_policy=policy, **fields)


CLOSED_FORMS = [
    ("fixed", {}, lambda i: 0.5),
    ("step", {"gamma": 0.25, "stepsize": 4}, lambda i: 0.5 * 0.25 ** (i // 4)),
    ("exp", {"gamma": 0.75}, lambda i: 0.5 * 0.75**i),
    ("inv", {"gamma": 0.5, "power": 0.75}, lambda i: 0.5 * (1 + 0.5 * i) ** -0.75),
    ("multistep", {"gamma": 0.25, "stepvalue": [3, 7]}, lambda i: 0.5 * 0.25 ** ((i >= 3) + (i >= 7))),
    ("poly", {"power": 2, "max_iter": 20}, lambda i: 0.5 * (1 - i / 20) ** 2),
    ("sigmoid", {"gamma": -0.5, "stepsize": 9}, lambda i: 0.5 / (1 + math.exp(0.5 * (i - 9)))),
]


@pytest.mark.parametrize(("policy", "fields", "formula"), CLOSED_FORMS)
def test_each_policy_follows_its_formula(policy, fields, formula):
    settings, step = param(policy, **fields), 0
    for iteration in range(21):
        step = current_step(settings, iteration, step)
        assert learning_rate(settings, iteration, step) == pytest.approx(formula(iteration), rel=1e-12)


def test_multistep_takes_one_step_per_iteration():
    settings = param("multistep", gamma=0.1, stepvalue=[3, 7])
    assert [current_step(settings, 10, 0), current_step(settings, 11, 1), current_step(settings, 12, 2)] == [
        1,
        2,
        2,
    ]


def test_rates_out_of_range_are_no_accident():
    assert learning_rate(param("exp", gamma=10), 100000, 0) == math.inf
    assert math.isnan(learning_rate(param("inv", gamma=-1, power=0.5), 10, 0))
    assert learning_rate(param("poly", power=0.5, max_iter=10), 15, 0) == 0
    assert learning_rate(param("sigmoid", gamma=-1, stepsize=1), 10**6, 0) == 0


def test_plateau_goes_down_where_the_loss_does_not():
    """Windows of 2 and 3 iterations; a fall of the loss, or of the rate, starts a window anew."""
    settings, step, plateau, steps = param("plateau", gamma=0.5, plateau_winsize=[2, 3]), 0, Plateau(), []
    for iteration, loss in enumerate([5, 4, 4, 4, 4, 3, 3, 3, 3.5, 9, 9, 9, 9]):
        step, plateau = plateau.after(settings, iteration, step, loss)
        steps.append(step)
    #                loss 5  4  4  4  4  3  3  3  3.5 9 ...
    assert steps == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert plateau == Plateau(3, 8)
    assert learning_rate(settings, 13, step) == 0.125


def test_plateau_compares_what_a_file_can_hold():
    _, plateau = Plateau().after(param("plateau", gamma=0.5, plateau_winsize=[5]), 0, 0, 0.1)
    assert plateau.minimum_loss == pytest.approx(0.1)
    assert plateau.minimum_loss != 0.1
    assert Plateau().after(param("plateau", gamma=0.5, plateau_winsize=[5]), 0, 0, math.inf) == (0, Plateau())
