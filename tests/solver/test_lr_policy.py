import math

import pytest

from netspec.schema.messages import SolverParameter
from netspec.solver.lr_policy import current_step, learning_rate


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
