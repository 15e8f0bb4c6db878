"""What all weight files hold: layers by name, each with its blobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netspec.errors import WeightsError
from netspec.weights.wire import Floats

_USUAL = ("weight", "bias")  # what PyTorch calls Caffe's first and second blob
_WIDTHS = (2, 4, 8)


@dataclass(frozen=True, slots=True)
class LayerBlobs:
    """One layer of a weight file.

    Attributes:
        name: the layer's name.
        type: its type, where the format keeps it, in the words of the file's age; else "".
        blobs: its numbers, in float16, float32 or float64, mostly read-only views of the file. Each goes by
            Caffe's number for it, or by its name in a state dict in files that know no numbers. HDF5 leaves
            out a blob that another layer owns.
        bottoms: the blobs that the layer reads, where the format keeps them.
        tops: the blobs that it makes, likewise.
        names: what a net calls its blobs, in Caffe's order, where that is known.
        diffs: what a snapshot may keep besides, by the blobs' numbers: what the last update subtracted. All
            formats but ``.npz`` have a place for it; nothing here reads it.
    """

    name: str
    type: str = ""
    blobs: dict[int | str, Floats] = field(default_factory=dict)
    bottoms: tuple[str, ...] = ()
    tops: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    diffs: dict[int, Floats] = field(default_factory=dict)


def numbered(layer: LayerBlobs) -> dict[int, Floats]:
    """A layer's blobs by Caffe's numbers: a weight comes before a bias.

    Raises:
        WeightsError: the file knows the blobs by other names, and only a net can tell their order.
    """
    named = {key: blob for key, blob in layer.blobs.items() if isinstance(key, str)}
    if not named:
        return {int(key): layer.blobs[key] for key in sorted(layer.blobs)}
    if len(named) < len(layer.blobs) or not named.keys() <= set(_USUAL):
        listed = ", ".join(str(key) for key in layer.blobs)
        raise WeightsError.at(
            f"layer '{layer.name}': nothing says which of Caffe's blobs are {listed}",
            help="a net knows: load the file into it, and save its weights in the format you want",
        )
    return dict(enumerate(named[name] for name in _USUAL if name in named))


def in_order(layer: LayerBlobs) -> list[Floats]:
    """A layer's blobs in Caffe's order.

    Raises:
        WeightsError: the order is unknown, or one of them is missing.
    """
    blobs = numbered(layer)
    if list(blobs) != list(range(len(blobs))):
        raise WeightsError.at(
            f"layer '{layer.name}' has the blobs {', '.join(map(str, blobs))} only",
            help="the others are those of another layer: load the file into its net, and save that",
        )
    return list(blobs.values())


def require_distinct(layers: Sequence[LayerBlobs]) -> None:
    """Raises WeightsError where two layers with blobs have one name, for formats with one place for it."""
    names: set[str] = set()
    for layer in layers:
        if layer.blobs and layer.name in names:
            raise WeightsError.at(
                f"two layers are named '{layer.name}', and only a .caffemodel has a place for both",
                help="give one of them another name",
            )
        names |= {layer.name} if layer.blobs else set()


def as_floats(array: Any, what: str, file: str) -> Floats:
    """An array as netspec computes with it: of floating-point numbers, in the machine's byte order.

    Raises:
        WeightsError: it holds something else; ``what`` and ``file`` say which it is.
    """
    if array.dtype.kind != "f" or array.dtype.itemsize not in _WIDTHS:
        message = f"{what} holds {array.dtype}, not floating-point numbers"
        raise WeightsError.at(message, file=file)
    return np.asarray(array, array.dtype.newbyteorder("="))
