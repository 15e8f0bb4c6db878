"""``.caffemodel``: the blobs of a net's layers, as a binary `NetParameter`.

Of a layer only its name, its type and its blobs are read: the numbers of all other fields mean different
things in different forks of Caffe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import nn

from netspec.errors import WeightsError
from netspec.schema.messages import V1LayerParameter
from netspec.text.diagnostic import Diagnostic
from netspec.weights.blobs import put_blobs, read_blob
from netspec.weights.files import write_atomically
from netspec.weights.hdf5 import is_hdf5, read_layers, write_layers
from netspec.weights.kinds import expect_kind
from netspec.weights.wire import Field, Floats, Parts, Reader, put_bytes, put_text

if TYPE_CHECKING:
    from netspec.graph.graph import Graph, Node

# Where a file says what: the fields of NetParameter, then those of its layers, in each age of the format.
_NET_NAME, _V1_LAYERS, _LAYERS = 1, 2, 100
_NAME, _TYPE, _BOTTOM, _TOP, _BLOBS = 1, 2, 3, 4, 7
_V1_NESTED, _V1_NAME, _V1_TYPE, _V1_BLOBS = 1, 4, 5, 6
_V0_NAME, _V0_TYPE, _V0_BLOBS = 1, 2, 50


class Net(Protocol):
    """What the weight files need to know of a net."""

    @property
    def graph(self) -> Graph:
        """Its layers, in the order of the text."""
        ...

    @property
    def params(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Each node's blobs, by the node's key, in Caffe's order."""
        ...


@dataclass(frozen=True, slots=True)
class LayerBlobs:
    """One layer of a file. ``blobs`` are read-only views of the file, in float32 or float64."""

    name: str
    type: str
    blobs: list[Floats]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What came of loading a file into a net: names of layers, in the order of the net or of the file.

    ``missing`` are the net's layers with blobs that the file lacks: they keep what they held. ``unused`` are
    the file's layers with blobs that the net lacks.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]


def read_caffemodel(path: str | PathLike[str]) -> list[LayerBlobs]:
    """The layers of a ``.caffemodel`` of any age (V2, V1 or V0 layers), in the order of the file; or of a
    ``.caffemodel.h5``, which does not know their types.

    Raises:
        WeightsError: the file is missing, damaged, or something else than a net's weights.
    """
    if is_hdf5(Path(path)):
        return [LayerBlobs(name, "", blobs) for name, blobs in read_layers(Path(path)).items()]
    reader = expect_kind(Path(path), "a net's weights")
    layers = []
    for field in reader.fields():
        if field.number == _LAYERS:
            layers.append(_read_layer(field.message(), _NAME, _TYPE, _BLOBS))
        elif field.number == _V1_LAYERS:
            layers.append(_read_v1_layer(field.message()))
    return layers


def write_caffemodel(path: str | PathLike[str], net: Net) -> None:
    """Writes all layers of a net with their blobs, for Caffe and its forks to read. All or nothing.

    A path that ends in ``.h5`` gets HDF5, any other the binary format.

    A blob that layers share is written in each of them, as Caffe does.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    if Path(path).suffix == ".h5":
        write_layers(Path(path), {node.layer.name: _arrays(net, node) for node in net.graph.nodes})
        return
    parts = put_text(_NET_NAME, net.graph.name)
    for node in net.graph.nodes:
        parts += put_bytes(_LAYERS, *_put_layer(node, _arrays(net, node)))
    write_atomically(Path(path), parts)


def load_into(net: Net, path: str | PathLike[str]) -> LoadReport:
    """Copies a file's blobs into the net's layers of the same names; the net is untouched where that fails.

    Raises:
        WeightsError: the file cannot be read, a layer's blobs differ in count or shape from the file's, or
            the file and the net have no layer in common.
    """
    file = {layer.name: layer for layer in read_caffemodel(path)}
    targets = {node.key: net.params.get(node.key, ()) for node in net.graph.nodes}
    common = [node for node in net.graph.nodes if node.layer.name in file]
    clashes = [_clash(node, targets[node.key], file[node.layer.name], str(path)) for node in common]
    if any(clashes):
        raise WeightsError(clash for clash in clashes if clash is not None)
    wanted = [node for node in net.graph.nodes if targets[node.key]]
    loaded = [node for node in wanted if node.layer.name in file]
    if wanted and not loaded:
        raise WeightsError.at(
            f"has no layer in common with the net '{net.graph.name}'",
            file=str(path),
            help=f"is it the right file? its layers are {_names(file)}; "
            f"the net's are {_names([node.layer.name for node in wanted])}",
        )
    for node in loaded:
        _copy(file[node.layer.name].blobs, targets[node.key])
    names = {node.layer.name for node in net.graph.nodes}
    return LoadReport(
        loaded=tuple(node.layer.name for node in loaded),
        missing=tuple(node.layer.name for node in wanted if node.layer.name not in file),
        unused=tuple(name for name, layer in file.items() if layer.blobs and name not in names),
    )


def fits(file: Sequence[int], net: Sequence[int]) -> bool:
    """Whether a blob of the file's shape may go where the net has its: the same, or Caffe's old spelling of
    it with four axes, where 1x1x500x800 means 500x800."""
    return tuple(file) == tuple(net) or (len(file) == 4 and tuple(file) == (1,) * (4 - len(net)) + tuple(net))


def _read_layer(reader: Reader, name: int, type: int, blobs: int) -> LayerBlobs:
    layer = LayerBlobs("", "", [])
    for field in reader.fields():
        if field.number == name:
            layer = LayerBlobs(field.text(), layer.type, layer.blobs)
        elif field.number == type:
            layer = LayerBlobs(layer.name, _type_name(field), layer.blobs)
        elif field.number == blobs:
            layer.blobs.append(read_blob(field.message()))
    return layer


def _read_v1_layer(reader: Reader) -> LayerBlobs:
    for field in reader.fields():
        if field.number == _V1_NESTED:
            return _read_layer(field.message(), _V0_NAME, _V0_TYPE, _V0_BLOBS)
    return _read_layer(reader, _V1_NAME, _V1_TYPE, _V1_BLOBS)


def _type_name(field: Field) -> str:
    if field.number != _V1_TYPE:
        return field.text()
    number = field.integer()
    return next((name for name, known in V1LayerParameter.LayerType.items() if known == number), str(number))


def _arrays(net: Net, node: Node) -> list[Floats]:
    return [blob.detach().float().cpu().numpy() for blob in net.params.get(node.key, ())]


def _put_layer(node: Node, blobs: Sequence[Floats]) -> Parts:
    spec = node.layer.spec
    return [
        *put_text(_NAME, spec.name),
        *put_text(_TYPE, spec.type),
        *(part for bottom in spec.bottom for part in put_text(_BOTTOM, bottom)),
        *(part for top in spec.top for part in put_text(_TOP, top)),
        *put_blobs(_BLOBS, blobs),
    ]


def _clash(node: Node, blobs: Sequence[nn.Parameter], layer: LayerBlobs, file: str) -> Diagnostic | None:
    """What keeps a layer of the file from going into the net's."""
    name, held = node.layer.name, layer.blobs
    help = "is it the right file? to keep the fillers' numbers instead, give the net's layer another name"
    if len(held) != len(blobs):
        return Diagnostic(
            f"{file}: layer '{name}' has {len(held)} blobs in the file, but {len(blobs)} in the net",
            node.span,
            help,
        )
    for index, (have, want) in enumerate(zip(held, blobs, strict=True)):
        if not fits(have.shape, want.shape):
            return Diagnostic(
                f"{file}: blob {index} of layer '{name}' has the shape {list(have.shape)} in the file, "
                f"but {list(want.shape)} in the net",
                node.span,
                help,
            )
    return None


@torch.no_grad()
def _copy(source: Sequence[Floats], target: Sequence[nn.Parameter]) -> None:
    for values, blob in zip(source, target, strict=True):
        blob.copy_(torch.from_numpy(np.array(values)).view(blob.shape))


def _names(names: Sequence[str] | Mapping[str, object]) -> str:
    shown = [f"'{name}'" for name in list(names)[:4]]
    return ", ".join(shown) + (", ..." if len(names) > 4 else "")
