"""Says which layers are of a type that nobody computes."""

from __future__ import annotations

from netspec.layers.registry import find_layer, layer_types
from netspec.passes.rewrite import layers_of
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter
from netspec.text.diagnostic import Diagnostic
from netspec.text.suggest import nearest


def unknown_types(document: Document[NetParameter]) -> list[Diagnostic]:
    """One finding for each layer whose type is unknown, with the nearest name that is known."""
    errors = []
    for spec, spans in layers_of(document):
        if not spec.type or find_layer(spec.type) is not None:
            continue
        known = layer_types()
        guess = nearest(spec.type, known)
        message = f"unknown layer type '{spec.type}'"
        hint = f"did you mean '{guess}'? " if guess else ""
        errors.append(
            Diagnostic(message, spans.at("type"), help=f"{hint}`netspec layers` lists all {len(known)}")
        )
    return errors
