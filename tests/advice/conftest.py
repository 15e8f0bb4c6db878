"""Nets from small parts, and which advice they get."""

from __future__ import annotations

import pytest

from netspec.advice.advise import advise
from netspec.advice.subject import Subject
from netspec.graph.build import fed_phases

DATA = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 2 dim: 12 dim: 12 } shape { dim: 4 }
                     data_filler { type: "uniform" } data_filler { type: "constant" } } }
"""
SCORE = """
layer { name: "score" type: "InnerProduct" bottom: "%s" top: "score"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }\n'


@pytest.fixture
def subject_of(read, compile_text):
    """A net's text as something to give advice on."""

    def subject_of(text):
        nets = [compile_text(text, phase=phase, seed=0) for phase in fed_phases(read(text))]
        train = next((net for net in nets if net.graph.training), None)
        return Subject(train, tuple(net for net in nets if not net.graph.training))

    return subject_of


@pytest.fixture
def advice_on(subject_of):
    """The names of the advice that a net gets."""

    def advice_on(text):
        return [said.message.rpartition("[")[2].removesuffix("]") for said in advise(subject_of(text))]

    return advice_on


@pytest.fixture
def classified():
    """A net that classifies what ``layers`` make of the data, up to a blob."""
    return lambda layers, blob: DATA + layers + SCORE % blob + LOSS
