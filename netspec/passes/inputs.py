"""Turns the old net-level ``input`` fields into an Input layer."""

from __future__ import annotations

from netspec.errors import NetError
from netspec.passes.rewrite import layers_of, with_layers
from netspec.schema.document import Document
from netspec.schema.messages import BlobShape, LayerParameter, NetParameter

_AXES = 4  # input_dim gives (num, channels, height, width) of each input in turn


def _shapes(document: Document[NetParameter]) -> list[BlobShape]:
    net, spans = document.message, document.spans
    if net.input_shape and net.input_dim:
        raise NetError.at("both input_shape and input_dim are given", spans.at("input_dim"), help="keep one")
    if net.input_shape and len(net.input_shape) != len(net.input):
        message = (
            f"expected {len(net.input)} input_shape, one for each input, but there are {len(net.input_shape)}"
        )
        raise NetError.at(message, spans.at("input_shape"))
    if not net.input_shape and len(net.input_dim) != _AXES * len(net.input):
        wanted = f"{_AXES * len(net.input)} input_dim, {_AXES} for each input"
        message = f"expected {wanted}, but there are {len(net.input_dim)}"
        place = spans.at("input_dim") if net.input_dim else spans.at("input")
        raise NetError.at(message, place, help="or give one input_shape { dim: ... } for each input")
    if net.input_shape:
        return list(net.input_shape)
    starts = range(0, len(net.input_dim), _AXES)
    return [BlobShape(dim=net.input_dim[start : start + _AXES]) for start in starts]


def inputs_to_layer(document: Document[NetParameter]) -> Document[NetParameter]:
    """The net with ``input``, ``input_shape`` and ``input_dim`` said as a layer of type Input, put first.

    Raises:
        NetError: the shapes do not pair up with the inputs.
    """
    net, spans = document.message, document.spans
    fields = ("input", "input_shape", "input_dim")
    if not net.input:
        if net.input_shape or net.input_dim:
            stray = "input_shape" if net.input_shape else "input_dim"
            raise NetError.at(
                f"{stray} without an input", spans.at(stray), help='name the blob: input: "data"'
            )
        return document
    spec = LayerParameter(name="input", type="Input", top=net.input)
    spec.input_param.shape.extend(_shapes(document))
    places = {"top": spans.entries["input"]}
    if net.input_shape:
        shapes = spans.placed({"shape": spans.entries["input_shape"]}, "input_shape")
        places["input_param"] = [shapes]
    layers = [(spec, spans.placed(places, "input")), *layers_of(document)]
    return with_layers(document, layers, drop=fields)
