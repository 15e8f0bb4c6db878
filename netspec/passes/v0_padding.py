"""Folds the padding layers of V0 nets into the layers that read them."""

from __future__ import annotations

from netspec.errors import NetError
from netspec.passes.rewrite import OldLayer, old_layers_of, with_old_layers
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter, V1LayerParameter
from netspec.text.diagnostic import Diagnostic, Note, in_text_order

_TYPE = "padding"
_READERS = ("conv", "pool")  # the types that pad on their own


def fold_padding(document: Document[NetParameter]) -> Document[NetParameter]:
    """The net without V0 layers of type padding: their ``pad`` goes to the layers that read them.

    Raises:
        NetError: padding that cannot be folded, since its reader does not pad or several blobs are involved.
    """
    layers = list(old_layers_of(document))
    if not any(_pads(layer) for layer in layers):
        return document
    kept: list[OldLayer] = []
    errors: list[Diagnostic] = []
    makers: dict[str, OldLayer] = {}  # who made each blob last
    for layer in layers:
        spec, _ = layer
        for index, bottom in enumerate(spec.bottom):
            maker = makers.get(bottom)
            if maker is None or not _pads(maker):
                continue
            if problem := _problem(maker, layer, index):
                errors.append(problem)
            else:
                layer = _folded(maker, layer)
        if not _pads(layer):
            kept.append(layer)
        makers.update((top, layer) for top in spec.top)
    if errors:
        raise NetError(in_text_order(errors))
    return with_old_layers(document, kept)


def _pads(layer: OldLayer) -> bool:
    return layer[0].layer.type == _TYPE


def _problem(padding: OldLayer, reader: OldLayer, index: int) -> Diagnostic | None:
    (pad, pad_spans), (spec, spans) = padding, reader
    name = f"padding layer '{pad.layer.name}'"
    if len(pad.bottom) != 1 or len(pad.top) != 1:
        message = f"{name} takes 1 bottom and 1 top, not {len(pad.bottom)} and {len(pad.top)}"
        return Diagnostic(message, pad_spans.span)
    notes = (Note("the padding layer is here", pad_spans.span),)
    place = spans.at("bottom", index)
    if spec.layer.type not in _READERS:
        message = f"layer '{spec.layer.name}' ({spec.layer.type}) reads {name}: only conv and pool can"
        return Diagnostic(message, place, notes=notes)
    if len(spec.bottom) != 1:
        message = f"layer '{spec.layer.name}' reads {name}, and so takes 1 bottom, not {len(spec.bottom)}"
        return Diagnostic(message, place, notes=notes)
    return None


def _folded(padding: OldLayer, reader: OldLayer) -> OldLayer:
    (pad, pad_spans), (spec, spans) = padding, reader
    made = V1LayerParameter()
    made.CopyFrom(spec)
    made.layer.pad = pad.layer.pad
    made.bottom[:] = pad.bottom
    inner = spans.sub("layer")
    inner = inner.placed(inner.entries | {"pad": pad_spans.sub("layer").entries.get("pad", [])})
    entries = spans.entries | {"layer": [inner], "bottom": pad_spans.entries["bottom"]}
    return made, spans.placed(entries)
