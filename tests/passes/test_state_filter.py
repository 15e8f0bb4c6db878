"""Which layers a net state keeps."""

from __future__ import annotations

import pytest

from netspec.passes.state_filter import filter_state, meets
from netspec.schema.messages import TEST, TRAIN, NetState, NetStateRule


def names(document):
    return [layer.name for layer in document.message.layer]


@pytest.mark.parametrize(
    ("rule", "state", "met"),
    [
        ({}, {}, True),
        ({"phase": TRAIN}, {"phase": TRAIN}, True),
        ({"phase": TRAIN}, {"phase": TEST}, False),
        ({"min_level": 2}, {"level": 2}, True),
        ({"min_level": 2}, {"level": 1}, False),
        ({"max_level": 2}, {"level": 2}, True),
        ({"max_level": 2}, {"level": 3}, False),
        ({"min_level": 1}, {}, False),
        ({"max_level": -1}, {}, False),
        ({"stage": ["a"]}, {"stage": ["b", "a"]}, True),
        ({"stage": ["a", "b"]}, {"stage": ["a"]}, False),
        ({"not_stage": ["a"]}, {"stage": ["b"]}, True),
        ({"not_stage": ["a", "c"]}, {"stage": ["b", "c"]}, False),
        ({"stage": ["a"], "not_stage": ["b"]}, {"stage": ["a", "b"]}, False),
        ({"phase": TRAIN, "stage": ["a"]}, {"phase": TEST, "stage": ["a"]}, False),
    ],
)
def test_a_rule_is_met_when_all_its_conditions_are(rule, state, met):
    assert meets(NetState(**state), NetStateRule(**rule)) is met


RULES = """
layer { name: "always" }
layer { name: "train" include { phase: TRAIN } }
layer { name: "not train" exclude { phase: TRAIN } }
layer { name: "either" include { phase: TRAIN stage: "x" } include { phase: TEST } }
layer { name: "neither" exclude { phase: TRAIN } exclude { stage: "x" } }
"""


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ({"phase": TRAIN}, ["always", "train"]),
        ({"phase": TEST}, ["always", "not train", "either", "neither"]),
        ({"phase": TRAIN, "stage": ["x"]}, ["always", "train", "either"]),
        ({"phase": TEST, "stage": ["x"]}, ["always", "not train", "either"]),
    ],
)
def test_one_include_that_is_met_keeps_and_one_exclude_drops(read, state, kept):
    assert names(filter_state(read(RULES), NetState(**state))) == kept


def test_layers_keep_their_places_and_the_given_document_stays(read):
    document = read(RULES)
    filtered = filter_state(document, NetState(phase=TEST))
    assert filtered.spans.at("layer", 1, "name").line == 4
    assert names(document) == ["always", "train", "not train", "either", "neither"]


def test_twice_is_once(read):
    state = NetState(phase=TRAIN)
    once = filter_state(read(RULES), state)
    twice = filter_state(once, state)
    assert twice.message == once.message
    assert [twice.spans.at("layer", i) for i in range(2)] == [once.spans.at("layer", i) for i in range(2)]


def test_include_and_exclude_together(read, report):
    text = """
layer { name: "a" include { phase: TRAIN } exclude { stage: "x" } }
layer { name: "b" }
layer { name: "c"
  exclude { stage: "x" }
  include { phase: TEST } }
"""
    assert report(filter_state, read(text), NetState()) == (
        """NetError
net.prototxt:2:44: error: layer 'a' has both include and exclude rules
    2 | layer { name: "a" include { phase: TRAIN } exclude { stage: "x" } }
      |                                            ^^^^^^^
   help: keep the rules of one kind
net.prototxt:5:3: error: layer 'c' has both include and exclude rules
    5 |   exclude { stage: "x" }
      |   ^^^^^^^
   help: keep the rules of one kind
"""
    )
