"""A net's weights in whatever file: the content says which format is read, the name which is written."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from netspec.weights import hdf5, npz, safetensors
from netspec.weights.caffemodel import read_caffemodel, write_caffemodel
from netspec.weights.kinds import Kind, binary_kind, format_for, format_of
from netspec.weights.layers import LayerBlobs


def kind_of(path: str | PathLike[str]) -> Kind:
    """What a file holds.

    Raises:
        WeightsError: the file is missing, damaged or a text.
    """
    path = Path(path)
    match format_of(path):
        case "HDF5":
            return "a solver's state" if hdf5.holds_state(path) else "a net's weights"
        case "binary":
            return binary_kind(path)
        case "safetensors":
            return "a solver's state" if safetensors.holds_state(path) else "a net's weights"
        case "npz":
            return "a net's weights"


def read_weights(path: str | PathLike[str]) -> list[LayerBlobs]:
    """The layers of a ``.caffemodel`` of any age, a ``.caffemodel.h5``, a ``.safetensors`` or an ``.npz``.

    Raises:
        WeightsError: the file is missing, damaged, or something else than a net's weights.
    """
    path = Path(path)
    match format_of(path):
        case "HDF5":
            return hdf5.read_layers(path)
        case "safetensors":
            return safetensors.read_layers(path)
        case "npz":
            return npz.read_layers(path)
        case "binary":
            return read_caffemodel(path)


def write_weights(path: str | PathLike[str], layers: Sequence[LayerBlobs], net: str = "") -> None:
    """Writes layers, all or nothing: in the format of the suffix, ``.h5``, ``.safetensors`` or ``.npz``, and
    as a ``.caffemodel`` where the path has none of these. Only that keeps ``net``, the name of their net.

    Raises:
        WeightsError: the file cannot be written, or its format has no place for the layers; what was there
            before is untouched.
    """
    path = Path(path)
    match format_for(path):
        case "HDF5":
            hdf5.write_layers(path, layers)
        case "safetensors":
            safetensors.write_layers(path, layers)
        case "npz":
            npz.write_layers(path, layers)
        case "binary":
            write_caffemodel(path, layers, net)
