"""A net's binary file taken apart: a small message for the passes to work on, and bytes that nobody reads.

The numbers of a layer's fields mean different things in different forks of Caffe, and blobs may be large. So
of a layer only that is read which an upgrade changes; all the rest is put back byte for byte, blobs too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from netspec.schema.messages import (
    LayerParameter,
    Message,
    NetParameter,
    V0LayerParameter,
    V1LayerParameter,
)
from netspec.text.diagnostic import Diagnostic
from netspec.weights.kinds import expect_kind
from netspec.weights.wire import Field, Parts, Reader, put_bytes, put_integer

# The fields of NetParameter, then those of its layers in each age of the format.
_LAYERS, _LAYER = 2, 100
_NAME, _TYPE, _PARAM, _BLOBS = 1, 2, 6, 7
_V1_NESTED, _V1_TYPE, _V1_BLOBS = 1, 5, 6
_V0_BLOBS = 50
_NUM = 1  # of a blob


@dataclass(frozen=True)
class Skeleton:
    """A net without what a pass does not need.

    In place of its blobs each layer has one that is empty but for ``num``, an index into ``kept``: the bytes
    to be put back. ``lost`` says what V1 layers hold that none of Caffe's did, and that has no new place.
    """

    net: NetParameter
    kept: list[Parts]
    lost: list[Diagnostic]

    def filled(self, net: NetParameter) -> Parts:
        """The binary form of a net that passes have made of this one's: with all that was kept."""
        outer = NetParameter()
        outer.CopyFrom(net)
        outer.ClearField("layer")
        parts: Parts = [outer.SerializeToString()]
        for layer in net.layer:
            spec = LayerParameter()
            spec.CopyFrom(layer)
            spec.ClearField("blobs")
            kept = [part for mark in layer.blobs for part in self.kept[mark.num]]
            parts += put_bytes(_LAYER, spec.SerializeToString(), *kept)
        return parts


def read_skeleton(path: Path) -> Skeleton:
    """Takes a net's binary file apart.

    Raises:
        WeightsError: the file is missing, damaged, or something else than a net.
    """
    reader = expect_kind(path, "a net's weights")
    kept: list[Parts] = []
    lost: list[Diagnostic] = []
    parts: Parts = []
    for field in reader.fields():
        if field.number in (_LAYER, _LAYERS):
            mark = put_integer(_NUM, len(kept))
            kept.append([])
            split = _split_layer if field.number == _LAYER else _split_v1_layer
            parts += put_bytes(field.number, *split(field.message(), mark, kept[-1], lost))
        else:
            parts.append(_whole(field))
    try:
        net = NetParameter.FromString(b"".join(parts))
    except (DecodeError, UnicodeDecodeError) as error:  # protobuf in C leaves broken text to its readers
        raise reader.error(f"expected a net: {error}") from error
    return Skeleton(net, kept, lost)


def _whole(field: Field) -> memoryview:
    return field.reader.data[field.start : field.end]


def _split_layer(reader: Reader, mark: Parts, kept: Parts, lost: list[Diagnostic]) -> Parts:
    parts: Parts = put_bytes(_BLOBS, *mark)
    for field in reader.fields():
        (parts if field.number in (_NAME, _TYPE, _PARAM) else kept).append(_whole(field))
    return parts


def _split_v1_layer(reader: Reader, mark: Parts, kept: Parts, lost: list[Diagnostic]) -> Parts:
    fields = list(reader.fields())
    inner = [field for field in fields if field.number == _V1_NESTED]
    outer = [field for field in fields if field.number != _V1_NESTED]
    parts = _split(outer, V1LayerParameter, _V1_BLOBS, kept, lost)
    if not inner:
        return [*parts, *put_bytes(_V1_BLOBS, *mark)]
    v0 = [field for layer in inner for field in layer.message().fields()]
    v0_parts = _split(v0, V0LayerParameter, _V0_BLOBS, kept, lost)
    return [*parts, *put_bytes(_V1_NESTED, *v0_parts, *put_bytes(_V0_BLOBS, *mark))]


def _split(
    fields: Iterable[Field], message_class: type[Message], blobs: int, kept: Parts, lost: list[Diagnostic]
) -> Parts:
    """The fields that Caffe's own layers of an age have, but for the blobs."""
    parts: Parts = []
    for field in fields:
        if field.number == blobs:
            kept += put_bytes(_BLOBS, field.bytes())
        elif unknown := _unknown(field, message_class):
            place = f"byte {field.reader.offset + field.start}"
            message = f"{place}: {unknown} of an old layer is none of Caffe's: left out"
            lost.append(Diagnostic(message, severity="warning", file=field.reader.file))
        else:
            parts.append(_whole(field))
    return parts


def _unknown(field: Field, message_class: type[Message]) -> str:
    if field.number not in message_class.DESCRIPTOR.fields_by_number:
        return f"field {field.number}"
    is_type = message_class is V1LayerParameter and field.number == _V1_TYPE
    if is_type and field.integer() not in V1LayerParameter.LayerType.values():
        return f"type {field.integer()}"
    return ""
