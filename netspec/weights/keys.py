"""How files that hold tensors by key (``.npz``, ``.safetensors``) name the blobs of layers.

``<layer>/<number>`` is Caffe's own address of a blob, and ``<layer>.<name>`` is the key that the state dict
of a net has for it. A layer's name may hold slashes and dots: what counts is the last one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from netspec.errors import WeightsError
from netspec.weights.layers import LayerBlobs
from netspec.weights.wire import Floats

_NUMBERED = re.compile(r"(.*)/(0|[1-9]\d{0,8})", re.S | re.A)


def key(layer: LayerBlobs, blob: int | str) -> str:
    """The key of a layer's blob: with its number, unless only its name is known."""
    return f"{layer.name}.{blob}" if isinstance(blob, str) else f"{layer.name}/{blob}"


def layers_by_key(tensors: Mapping[str, Floats], file: str) -> list[LayerBlobs]:
    """The layers of a file, in the order in which they turn up.

    Raises:
        WeightsError: a key names no blob of a layer.
    """
    layers: dict[str, LayerBlobs] = {}
    for name, values in tensors.items():
        layer, blob = _split(name, file)
        layers.setdefault(layer, LayerBlobs(layer)).blobs[blob] = values
    return list(layers.values())


def _split(name: str, file: str) -> tuple[str, int | str]:
    if match := _NUMBERED.fullmatch(name):
        return match[1], int(match[2])
    layer, dot, blob = name.rpartition(".")
    if not dot:
        help = "a blob goes by 'conv1/0' or 'conv1.weight'"
        raise WeightsError.at(f"'{name}' names no blob of a layer", file=file, help=help)
    return layer, blob
