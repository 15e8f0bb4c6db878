"""Split layers, where Caffe puts them and under its names."""

from __future__ import annotations

import pytest

from netspec.pycaffe.splits import insert_splits


@pytest.fixture
def layers(read):
    """Name, bottoms, tops and loss weights of each layer, with splits."""

    def layers(text):
        once = insert_splits(read(text))
        assert insert_splits(once).message == once.message
        return [
            (layer.name, list(layer.bottom), list(layer.top), list(layer.loss_weight))
            for layer in once.message.layer
        ]

    return layers


def layer(name, bottoms, tops, more=""):
    sides = "".join(f' bottom: "{blob}"' for blob in bottoms) + "".join(f' top: "{blob}"' for blob in tops)
    return f'layer {{ name: "{name}" type: "Eltwise"{sides} {more} }}\n'


def test_nothing_is_shared(layers):
    text = layer("a", [], ["x"]) + layer("b", ["x"], ["y"])
    assert layers(text) == [("a", [], ["x"], []), ("b", ["x"], ["y"], [])]


def test_each_reader_gets_a_top_of_its_own(layers):
    text = layer("a", [], ["w", "x"]) + layer("b", ["x"], ["y"]) + layer("c", ["x", "w", "x"], ["z"])
    assert layers(text) == [
        ("a", [], ["w", "x"], []),
        ("x_a_1_split", ["x"], ["x_a_1_split_0", "x_a_1_split_1", "x_a_1_split_2"], []),
        ("b", ["x_a_1_split_0"], ["y"], []),
        ("c", ["x_a_1_split_1", "w", "x_a_1_split_2"], ["z"], []),
    ]


def test_behind_a_layer_in_place_the_split_has_its_name(layers):
    text = (
        layer("a", [], ["x"]) + layer("r", ["x"], ["x"]) + layer("b", ["x"], ["y"]) + layer("c", ["x"], ["z"])
    )
    assert layers(text) == [
        ("a", [], ["x"], []),
        ("r", ["x"], ["x"], []),
        ("x_r_0_split", ["x"], ["x_r_0_split_0", "x_r_0_split_1"], []),
        ("b", ["x_r_0_split_0"], ["y"], []),
        ("c", ["x_r_0_split_1"], ["z"], []),
    ]


def test_a_loss_is_a_reader_and_comes_first(layers):
    text = layer("a", [], ["x"], "loss_weight: 0.5") + layer("b", ["x"], ["y"])
    assert layers(text) == [
        ("a", [], ["x"], [0]),
        ("x_a_0_split", ["x"], ["x_a_0_split_0", "x_a_0_split_1"], [0.5, 0]),
        ("b", ["x_a_0_split_1"], ["y"], []),
    ]


def test_a_bottom_that_nobody_makes_stays(layers):
    assert layers(layer("b", ["x", "x"], ["y"])) == [("b", ["x", "x"], ["y"], [])]
