"""Freezes the statistics of BatchNorm layers whose ``param`` blocks an early Caffe had them write."""

from __future__ import annotations

from netspec.passes.rewrite import PlacedLayer, layers_of, with_layers
from netspec.schema.document import Document
from netspec.schema.messages import LayerParameter, NetParameter

_STATISTICS = 3  # mean, variance and their weight
_FACTORS = ("lr_mult", "decay_mult")


def freeze_statistics(document: Document[NetParameter]) -> Document[NetParameter]:
    """The net with ``lr_mult: 0`` and ``decay_mult: 0`` for BatchNorm layers of three ``param`` blocks.

    These are its running statistics, which no solver learns.
    """
    if not any(_is_old(spec) for spec in document.message.layer):
        return document
    return with_layers(document, [_frozen(layer) for layer in layers_of(document)])


def _is_old(spec: LayerParameter) -> bool:
    return (
        spec.type == "BatchNorm"
        and len(spec.param) == _STATISTICS
        and any(getattr(param, name) or not param.HasField(name) for param in spec.param for name in _FACTORS)
    )


def _frozen(layer: PlacedLayer) -> PlacedLayer:
    spec, spans = layer
    if not _is_old(spec):
        return layer
    made = LayerParameter()
    made.CopyFrom(spec)
    for param in made.param:
        param.lr_mult = param.decay_mult = 0
    return made, spans
