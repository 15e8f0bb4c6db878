"""From files into nets, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from textwrap import indent
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import nn

from netspec.errors import WeightsError
from netspec.text.diagnostic import Diagnostic, Note
from netspec.text.table import table
from netspec.weights.blobs import fits
from netspec.weights.formats import read_weights, write_weights
from netspec.weights.layers import LayerBlobs
from netspec.weights.wire import Floats

if TYPE_CHECKING:
    from netspec.graph.graph import Graph, Node

_HELP = (
    "is it the right file? --ignore-mismatched (ignore_mismatched=True) goes on, and leaves these layers at "
    "their fillers' numbers"
)


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
class Unmatched:
    """A blob that the file and the net do not both have, in one shape; None stands for the shape of none."""

    layer: str
    blob: int | str
    file: tuple[int, ...] | None
    net: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What came of loading a file into a net: names of layers, in the order of the net or of the file.

    Attributes:
        loaded: the layers that got all their blobs.
        missing: the net's layers with blobs that the file lacks: they keep what they held.
        unused: the file's layers with blobs that the net lacks.
        mismatched: the layers that both have, but with other shapes: they keep what they held.
        unmatched: the blobs behind the latter three.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    mismatched: tuple[str, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()

    def summary(self) -> str:
        """In one line, what could not be matched; nothing where all was."""
        parts = {
            "left as they were, for their other shapes in the file": self.mismatched,
            "left as they were, not being in the file": self.missing,
            "not in the net": self.unused,
        }
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)

    def table(self) -> str:
        """The blobs that could not be matched, as a table; nothing where all were."""
        rows = [[row.layer, str(row.blob), _shape(row.file), _shape(row.net)] for row in self.unmatched]
        return table(["layer", "blob", "file's shape", "net's shape"], rows, "<<<<") if rows else ""


def load_into(
    net: Net, path: str | PathLike[str], *, ignore_mismatched: bool = False, allow_strangers: bool = False
) -> LoadReport:
    """Copies a file's blobs into the net's layers of the same names; the net is untouched where that fails.

    Args:
        net: the net.
        path: a weight file of any format.
        ignore_mismatched: whether a layer whose blobs differ in count or shape from the file's keeps what it
            held, all of it, instead of being an error.
        allow_strangers: whether a file and a net without a common layer are fine: nothing is copied then.

    Raises:
        WeightsError: the file cannot be read, layers differ in the count or the shapes of their blobs, or the
            file and the net have no layer in common.
    """
    file = read_weights(path)
    partners = _partners(net, file)
    matches = [_match(net, node, partners.get(node.key)) for node in net.graph.nodes]
    taken = {id(layer) for layer in partners.values()}
    report = _report(matches, [layer for layer in file if layer.blobs and id(layer) not in taken])
    if report.mismatched and not ignore_mismatched:
        raise _clash(matches, report, str(path))
    if report.missing and not (report.loaded or report.mismatched or allow_strangers):
        have, want = _names(layer.name for layer in file), _names(report.missing)
        raise WeightsError.at(
            f"has no layer in common with the net '{net.graph.name}'",
            file=str(path),
            help=f"is it the right file? its layers are {have}; the net's are {want}",
        )
    for match in matches:
        if match.layer is not None and not match.rows:
            _copy(match)
    return report


def save_from(net: Net, path: str | PathLike[str]) -> None:
    """Writes all layers of a net with their blobs, in the format of the path's suffix (see `write_weights`).

    A blob that layers share is written in each of them, as Caffe does.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """
    write_weights(path, layers_of(net), net.graph.name)


def layers_of(net: Net) -> list[LayerBlobs]:
    """All layers of a net with their blobs, as weight files hold them."""
    return [
        LayerBlobs(
            node.layer.spec.name,
            node.layer.spec.type,
            dict(enumerate(map(_array, net.params.get(node.key, ())))),
            tuple(node.layer.spec.bottom),
            tuple(node.layer.spec.top),
            tuple(node.layer.blob_names),
        )
        for node in net.graph.nodes
    ]


@dataclass(frozen=True, slots=True)
class _Match:
    """A layer of the net, and the layer of the file that has its name, if one has.

    ``pairs`` are what goes where, ``rows`` what finds no place.
    """

    node: Node
    layer: LayerBlobs | None
    pairs: list[tuple[Floats, nn.Parameter]]
    rows: list[Unmatched]

    @property
    def name(self) -> str:
        return self.node.layer.name


def _partners(net: Net, file: Iterable[LayerBlobs]) -> dict[str, LayerBlobs]:
    """The layer of the file for each node, by its key. Of several of one name, the first goes to the first,
    and those with blobs to those with blobs."""
    layers: dict[str, list[LayerBlobs]] = {}
    for layer in sorted(file, key=lambda layer: not layer.blobs):
        layers.setdefault(layer.name, []).append(layer)
    nodes = sorted(net.graph.nodes, key=lambda node: not net.params.get(node.key))
    return {node.key: named.pop(0) for node in nodes if (named := layers.get(node.layer.name))}


def _match(net: Net, node: Node, layer: LayerBlobs | None) -> _Match:
    name, names, blobs = node.layer.name, node.layer.blob_names, net.params.get(node.key, ())
    found = {} if layer is None else {_place(key, names): blob for key, blob in layer.blobs.items()}
    # A blob that another layer owns comes with that one; HDF5 files hold it only there.
    shared = {param.index for param in net.graph.params if param.node is node and param.owner is not None}
    match = _Match(node, layer, [], [])
    for index, blob in enumerate(blobs):
        values = found.pop(index, None)
        if values is not None and fits(values.shape, blob.shape):
            match.pairs.append((values, blob))
        elif values is not None or index not in shared:
            match.rows.append(
                Unmatched(name, index, None if values is None else values.shape, tuple(blob.shape))
            )
    match.rows.extend(Unmatched(name, key, values.shape, None) for key, values in found.items())
    return match


def _place(key: int | str, names: Sequence[str]) -> int | str:
    """A blob's number, also where the file has its name."""
    return names.index(key) if isinstance(key, str) and key in names else key


def _report(matches: Iterable[_Match], unused: Iterable[LayerBlobs]) -> LoadReport:
    mismatched = [match for match in matches if match.layer is not None and match.rows]
    missing = [match for match in matches if match.layer is None and match.rows]
    rows = [row for match in (*mismatched, *missing) for row in match.rows]
    rows += [
        Unmatched(layer.name, key, blob.shape, None) for layer in unused for key, blob in layer.blobs.items()
    ]
    return LoadReport(
        loaded=tuple(match.name for match in matches if match.pairs and not match.rows),
        missing=tuple(match.name for match in missing),
        unused=tuple(layer.name for layer in unused),
        mismatched=tuple(match.name for match in mismatched),
        unmatched=tuple(rows),
    )


def _clash(matches: Iterable[_Match], report: LoadReport, file: str) -> WeightsError:
    """What keeps layers of the file from going into the net's, all at once."""
    *others, last = [
        Diagnostic(f"{file}: {message}", match.node.span)
        for match in matches
        if match.layer is not None and match.rows
        for message in _messages(match, match.layer)
    ]
    note = Note("what could not be matched:\n" + indent(report.table(), "    "))
    return WeightsError([*others, replace(last, notes=(note,), help=_HELP)])


def _messages(match: _Match, layer: LayerBlobs) -> list[str]:
    name, have, want = match.name, len(layer.blobs), len(match.node.layer.blob_names)
    if have != want:
        return [f"layer '{name}' has {have} blobs in the file, but {want} in the net"]
    return [f"blob {row.blob} of layer '{name}' {_difference(row)}" for row in match.rows]


def _difference(row: Unmatched) -> str:
    if row.file is None or row.net is None:
        return f"is not in the {'file' if row.file is None else 'net'}"
    return f"has the shape {list(row.file)} in the file, but {list(row.net)} in the net"


def _shape(shape: tuple[int, ...] | None) -> str:
    return "-" if shape is None else str(list(shape))


@torch.no_grad()
def _copy(match: _Match) -> None:
    for values, blob in match.pairs:
        blob.copy_(torch.from_numpy(np.array(values)).view(blob.shape))


def _array(blob: nn.Parameter) -> Floats:
    values = blob.detach().cpu()
    return (values if values.dtype == torch.float64 else values.float()).numpy()


def _names(names: Iterable[str]) -> str:
    listed = [f"'{name}'" for name in names]
    return ", ".join(listed[:4]) + (", ..." if len(listed) > 4 else "")
