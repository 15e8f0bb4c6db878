"""Which layers and bottoms take part in a backward pass."""

from __future__ import annotations

import pytest

from netspec.pycaffe.needs import needs
from netspec.schema.messages import TRAIN

NET = """
layer { name: "data" type: "Input" top: "x" top: "t"
  input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
layer { name: "first" type: "InnerProduct" bottom: "x" top: "a" FIRST inner_product_param { num_output: 4 } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "b" }
layer { name: "last" type: "InnerProduct" bottom: "b" top: "c" inner_product_param { num_output: 5 } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "c" bottom: "t" top: "loss" MORE }'


@pytest.fixture
def found(graph_of):
    """For each layer whether it runs backward, and the bottoms that get a gradient."""

    def found(text):
        graph = graph_of(text.replace("FIRST", "").replace("MORE", ""), TRAIN)
        pairs = zip(graph.nodes, needs(graph), strict=True)
        return {node.layer.name: (need.layer, need.bottoms) for node, need in pairs}

    return found


def test_from_the_loss_to_what_learns(found):
    assert found(NET + LOSS) == {
        "data": (False, []),
        "first": (True, [False]),
        "relu": (True, [True]),
        "last": (True, [True]),
        "loss": (True, [True, False]),
    }


def test_without_a_loss(found):
    assert not any(layer or any(bottoms) for layer, bottoms in found(NET).values())
    assert not any(layer for layer, _ in found(NET + LOSS.replace("MORE", "loss_weight: 0")).values())


def test_force_backward_reaches_all_but_labels(found):
    forced = found("force_backward: true " + NET + LOSS)
    assert all(layer for layer, _ in forced.values())
    assert (forced["first"][1], forced["loss"][1]) == ([True], [True, False])
    assert found("force_backward: true " + NET)["first"] == (True, [True])


def test_what_does_not_learn_stops_the_way(found):
    frozen = "param { lr_mult: 0 } param { lr_mult: 0 }"
    partly = found((NET + LOSS).replace("FIRST", frozen))
    assert (partly["first"], partly["relu"], partly["last"]) == (
        (False, [False]),
        (False, [False]),
        (True, [False]),
    )


def test_propagate_down_stops_the_way_or_opens_it(found):
    stopped = found((NET + LOSS).replace("MORE", "propagate_down: false propagate_down: false"))
    assert [name for name, (layer, _) in stopped.items() if layer] == ["loss"]
    opened = found((NET + LOSS).replace("FIRST", "propagate_down: true"))
    assert opened["first"] == (True, [True])
