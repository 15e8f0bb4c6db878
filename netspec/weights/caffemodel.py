"""``.caffemodel``: the blobs of a net's layers, as a binary `NetParameter`.

Of a layer only its name, its type, its bottoms and tops and its blobs are read: the numbers of all other
fields mean different things in different forks of Caffe.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from netspec.schema.messages import V1LayerParameter
from netspec.weights.blobs import put_blobs, read_blob
from netspec.weights.files import write_atomically
from netspec.weights.kinds import expect_kind
from netspec.weights.layers import LayerBlobs, in_order
from netspec.weights.wire import Floats, Parts, Reader, put_bytes, put_text

# Where a file says what: the fields of NetParameter, then those of its layers, in each age of the format.
_NET_NAME, _V1_LAYERS, _LAYERS = 1, 2, 100


@dataclass(frozen=True, slots=True)
class _Fields:
    name: int
    type: int
    blobs: int
    bottom: int
    top: int


_V2 = _Fields(name=1, type=2, blobs=7, bottom=3, top=4)
_V1 = _Fields(name=4, type=5, blobs=6, bottom=2, top=3)
_V0 = _Fields(name=1, type=2, blobs=50, bottom=0, top=0)  # bottoms and tops stand around it, as in V1
_V0_LAYER = 1


def read_caffemodel(path: str | PathLike[str]) -> list[LayerBlobs]:
    """The layers of a ``.caffemodel`` of any age (V2, V1 or V0 layers), in the order of the file.

    Raises:
        WeightsError: the file is missing, damaged, or something else than a net's weights.
    """
    layers = []
    reader = expect_kind(Path(path), "a net's weights")
    for field in reader.fields():
        if field.number == _LAYERS:
            layers.append(_read_layer(field.message(), _V2))
        elif field.number == _V1_LAYERS:
            layers.append(_read_layer(field.message(), _V1))
    if not layers:
        raise reader.error("expected a net's weights, but the net has no layers")
    return layers


def write_caffemodel(path: str | PathLike[str], layers: Iterable[LayerBlobs], net: str = "") -> None:
    """Writes layers for Caffe and its forks to read, all or nothing. ``net`` is the name of their net.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    parts = put_text(_NET_NAME, net) if net else []
    for layer in layers:
        parts += put_bytes(_LAYERS, *_put_layer(layer))
    write_atomically(Path(path), parts)


def _read_layer(reader: Reader, numbers: _Fields) -> LayerBlobs:
    name = type = ""
    blobs: list[Floats] = []
    bottoms: list[str] = []
    tops: list[str] = []
    for field in reader.fields():
        if field.number == numbers.name:
            name = field.text()
        elif field.number == numbers.type:
            type = _V1_TYPES.get(field.integer(), "") if numbers is _V1 else field.text()
        elif field.number == numbers.blobs:
            blobs.append(read_blob(field.message()))
        elif field.number == numbers.bottom:
            bottoms.append(field.text())
        elif field.number == numbers.top:
            tops.append(field.text())
        elif numbers is _V1 and field.number == _V0_LAYER:
            inner = _read_layer(field.message(), _V0)
            name, type, blobs = inner.name, inner.type, [*inner.blobs.values()]
    return LayerBlobs(name, type, dict(enumerate(blobs)), tuple(bottoms), tuple(tops))


def _put_layer(layer: LayerBlobs) -> Parts:
    return [
        *put_text(_V2.name, layer.name),
        *(put_text(_V2.type, layer.type) if layer.type else ()),
        *(part for bottom in layer.bottoms for part in put_text(_V2.bottom, bottom)),
        *(part for top in layer.tops for part in put_text(_V2.top, top)),
        *put_blobs(_V2.blobs, in_order(layer), layer.diffs),
    ]


_V1_TYPES: dict[int, str] = {number: name for name, number in V1LayerParameter.LayerType.items()}
