"""Caffe's Split layers: a blob that several layers read is given to each of them under a name of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from netspec.passes.rewrite import PlacedLayer, layers_of, with_layers
from netspec.schema.document import Document
from netspec.schema.messages import LayerParameter, NetParameter

_Made = tuple[int, int]  # a layer of the net and one of its tops


@dataclass(frozen=True)
class _Reads:
    """Which top each bottom reads, how many read each top, and the loss weight of a top."""

    source: dict[tuple[int, int], _Made]
    count: Counter[_Made]
    loss: dict[_Made, float]


def insert_splits(document: Document[NetParameter]) -> Document[NetParameter]:
    """The net with a Split layer behind each top that more than one layer reads.

    Its name and its tops' are those that Caffe gives them: ``<blob>_<layer>_<top>_split`` and the same with
    a number. A loss counts as one more reader, and its weight goes over to the split's first top. Bottoms
    that no layer makes stay as they are.
    """
    layers = list(layers_of(document))
    reads = _reads([spec for spec, _ in layers])
    shared = {made for made, count in reads.count.items() if count > 1}
    if not shared:
        return document
    # A loss takes the first of the split's tops for itself.
    given = Counter({made: 1 for made in shared if reads.loss.get(made)})
    result: list[PlacedLayer] = []
    for index, (spec, spans) in enumerate(layers):
        renamed = LayerParameter()
        renamed.CopyFrom(spec)
        for side in range(len(spec.bottom)):
            made = reads.source.get((index, side))
            if made in shared:
                maker, name = layers[made[0]][0].name, spec.bottom[side]
                renamed.bottom[side] = f"{_name(maker, name, made[1])}_{given[made]}"
                given[made] += 1
        result.append((renamed, spans))
        for top in range(len(spec.top)):
            if (index, top) in shared:
                weight = reads.loss.get((index, top), 0.0)
                if weight:
                    renamed.loss_weight[top] = 0.0
                split = _split(spec, top, reads.count[index, top], weight)
                result.append((split, spans.placed({}, "top", top)))
    return with_layers(document, result)


def _reads(layers: list[LayerParameter]) -> _Reads:
    newest: dict[str, _Made] = {}
    reads = _Reads({}, Counter(), {})
    for index, spec in enumerate(layers):
        for side, name in enumerate(spec.bottom):
            if name in newest:
                reads.source[index, side] = newest[name]
                reads.count[newest[name]] += 1
        newest.update({name: (index, top) for top, name in enumerate(spec.top)})
        for (top, _), weight in zip(enumerate(spec.top), spec.loss_weight, strict=False):
            if weight:
                reads.loss[index, top] = weight
                reads.count[index, top] += 1
    return reads


def _split(maker: LayerParameter, top: int, count: int, weight: float) -> LayerParameter:
    blob = maker.top[top]
    name = _name(maker.name, blob, top)
    split = LayerParameter(name=name, type="Split", bottom=[blob])
    split.top.extend(f"{name}_{number}" for number in range(count))
    if weight:
        split.loss_weight.extend([weight] + [0.0] * (count - 1))
    return split


def _name(layer: str, blob: str, top: int) -> str:
    return f"{blob}_{layer}_{top}_split"
