"""The old solver_type."""

from __future__ import annotations

import pytest

from netspec.passes.solver_type import name_solver_type, two_types
from netspec.schema.document import load_document
from netspec.schema.messages import SolverParameter
from netspec.text.source import Source


def solver(text):
    return load_document(Source("solver.prototxt", text), SolverParameter)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SGD", "SGD"),
        ("NESTEROV", "Nesterov"),
        ("ADAGRAD", "AdaGrad"),
        ("RMSPROP", "RMSProp"),
        ("ADADELTA", "AdaDelta"),
        ("ADAM", "Adam"),
        ("3", "RMSProp"),
    ],
)
def test_each_type(old, new):
    document = solver(f"base_lr: 0.1\nsolver_type: {old}")
    upgraded = name_solver_type(document)
    assert upgraded.message == solver(f'base_lr: 0.1 type: "{new}"').message
    assert (upgraded.spans.at("type").line, upgraded.spans.at("base_lr").line) == (2, 1)
    assert name_solver_type(upgraded) is upgraded
    assert document.message.HasField("solver_type")


@pytest.mark.parametrize("text", ["", 'type: "Adam"', 'type: "SGD" solver_type: SGD'])
def test_others_stay(text):
    document = solver(text)
    assert name_solver_type(document) is document


def test_two_types_are_a_contradiction():
    (found,) = two_types(solver('type: "SGD"\nsolver_type: SGD'))
    assert (found.span.line, found.message) == (2, "both type and the old solver_type are given")
    assert two_types(solver("solver_type: SGD")) == two_types(solver('type: "SGD"')) == []
