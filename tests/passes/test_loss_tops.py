"""The tops that loss layers may leave out."""

from __future__ import annotations

import pytest

from netspec.passes.loss_tops import name_loss_tops


def tops(document):
    return [list(layer.top) for layer in document.message.layer]


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        ('layer { name: "l" type: "EuclideanLoss" }', [["l"]]),
        ('layer { name: "l" type: "EuclideanLoss" top: "mine" }', [["mine"]]),
        ('layer { type: "EuclideanLoss" }', [["loss"]]),
        ('layer { type: "EuclideanLoss" } layer { type: "EuclideanLoss" }', [["loss"], ["loss_loss"]]),
        ('layer { name: "l" type: "EuclideanLoss" } layer { name: "r" top: "l" }', [["l_loss"], ["l"]]),
        ('layer { name: "r" type: "ReLU" }', [[]]),
        ('layer { name: "r" type: "NoSuchLoss" }', [[]]),
    ],
)
def test_a_loss_layer_without_a_top_gets_one_of_its_name(read, layers, named):
    assert tops(name_loss_tops(read(layers))) == named


def test_twice_is_once_and_the_given_document_stays(read):
    document = read('layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" }')
    once = name_loss_tops(document)
    assert name_loss_tops(once).message == once.message
    assert tops(document) == [[]]


def test_the_made_top_has_the_place_of_its_layer(read):
    document = name_loss_tops(read('layer { name: "a" }\n  layer { name: "l" type: "EuclideanLoss" }'))
    place = document.spans.at("layer", 1, "top", 0)
    assert (place.line, place.column) == (2, 3)
