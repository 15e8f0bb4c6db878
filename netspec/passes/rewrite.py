"""What the passes share: the layers of a net with their places, taken out and put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netspec.schema.document import Document, Spans
from netspec.schema.messages import LayerParameter, NetParameter

PlacedLayer = tuple[LayerParameter, Spans]


def layers_of(document: Document[NetParameter]) -> Iterator[PlacedLayer]:
    """Each layer with the places of its fields."""
    for index, spec in enumerate(document.message.layer):
        yield spec, document.spans.sub("layer", index)


def with_layers(
    document: Document[NetParameter], layers: Sequence[PlacedLayer], *, drop: Sequence[str] = ()
) -> Document[NetParameter]:
    """The same net with other layers, and without the fields ``drop``; the given document stays as it is."""
    net = NetParameter()
    net.CopyFrom(document.message)
    for field in ("layer", *drop):
        net.ClearField(field)
    net.layer.extend(spec for spec, _ in layers)
    entries = {name: places for name, places in document.spans.entries.items() if name not in drop}
    entries["layer"] = [spans for _, spans in layers]
    return Document(net, document.spans.placed(entries), document.source, document.warnings)
