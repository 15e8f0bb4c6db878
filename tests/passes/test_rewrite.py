"""Layers taken out of a net and put back."""

from __future__ import annotations

from netspec.passes.rewrite import layers_of, with_layers


def test_layers_come_with_their_places(read):
    document = read('layer { name: "a" }\nlayer { name: "b" }')
    assert [(spec.name, spans.at("name").line) for spec, spans in layers_of(document)] == [("a", 1), ("b", 2)]


def test_other_layers_in_another_order_and_fields_dropped(read):
    document = read('name: "n"\ninput: "x"\nlayer { name: "a" }\nlayer { name: "b" }')
    changed = with_layers(document, list(layers_of(document))[::-1], drop=["input"])
    assert [layer.name for layer in changed.message.layer] == ["b", "a"]
    assert (changed.message.name, list(changed.message.input)) == ("n", [])
    assert changed.spans.at("layer", 0, "name").line == 4
    assert changed.spans.at("name").line == 1
    assert changed.spans.at("input") == changed.spans.span
    assert list(document.message.input) == ["x"]
