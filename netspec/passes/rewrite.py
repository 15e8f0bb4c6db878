"""What the passes share: the layers of a net with their places, taken out and put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from netspec.schema.document import Document, Spans
from netspec.schema.messages import LayerParameter, Message, NetParameter, V1LayerParameter

PlacedLayer = tuple[LayerParameter, Spans]
OldLayer = tuple[V1LayerParameter, Spans]


def layers_of(document: Document[NetParameter]) -> Iterator[PlacedLayer]:
    """Each layer with the places of its fields."""
    for index, spec in enumerate(document.message.layer):
        yield spec, document.spans.sub("layer", index)


def old_layers_of(document: Document[NetParameter]) -> Iterator[OldLayer]:
    """Each layer of the old form, ``layers``, with the places of its fields."""
    for index, spec in enumerate(document.message.layers):
        yield spec, document.spans.sub("layers", index)


def with_layers(
    document: Document[NetParameter], layers: Sequence[PlacedLayer], *, drop: Sequence[str] = ()
) -> Document[NetParameter]:
    """The same net with other layers, and without the fields ``drop``; the given document stays as it is."""
    return _with(document, "layer", layers, drop)


def with_old_layers(document: Document[NetParameter], layers: Sequence[OldLayer]) -> Document[NetParameter]:
    """The same net with other layers of the old form; the given document stays as it is."""
    return _with(document, "layers", layers)


def set_field(message: Any, name: str, value: Any) -> None:
    """Sets a field to another message's value of it: an empty block is one, too, and lists go on."""
    target = getattr(message, name)
    if isinstance(value, Message):
        target.SetInParent()
        target.MergeFrom(value)
    elif hasattr(value, "extend"):
        target.extend(value)
    elif hasattr(target, "append"):
        target.append(value)
    else:
        setattr(message, name, value)


def _with(
    document: Document[NetParameter],
    field: str,
    layers: Sequence[PlacedLayer] | Sequence[OldLayer],
    drop: Sequence[str] = (),
) -> Document[NetParameter]:
    net = NetParameter()
    net.CopyFrom(document.message)
    for name in (field, *drop):
        net.ClearField(name)
    getattr(net, field).extend(spec for spec, _ in layers)
    entries = {name: places for name, places in document.spans.entries.items() if name not in drop}
    entries[field] = [spans for _, spans in layers]
    return Document(net, document.spans.placed(entries), document.source, document.warnings)
