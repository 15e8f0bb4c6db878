"""Names the tops that loss layers may leave out."""

from __future__ import annotations

from netspec.layers.registry import find_layer
from netspec.passes.rewrite import layers_of, with_layers
from netspec.schema.document import Document
from netspec.schema.messages import LayerParameter, NetParameter


def _missing_tops(spec: LayerParameter) -> int:
    cls = find_layer(spec.type)
    if cls is None or not cls.traits.loss or cls.traits.tops == "bottoms":
        return 0
    tops = cls.traits.tops
    return max(0, (tops if isinstance(tops, int) else tops[0]) - len(spec.top))


def name_loss_tops(document: Document[NetParameter]) -> Document[NetParameter]:
    """The net with a top, named after the layer, for each loss layer that was written without one."""
    taken = {top for spec, _ in layers_of(document) for top in spec.top}
    layers = []
    for spec, spans in layers_of(document):
        missing = _missing_tops(spec)
        if missing:
            named = LayerParameter()
            named.CopyFrom(spec)
            for _ in range(missing):
                name = spec.name or "loss"
                while name in taken:
                    name += "_loss"
                taken.add(name)
                named.top.append(name)
            spec = named
        layers.append((spec, spans))
    return with_layers(document, layers)
