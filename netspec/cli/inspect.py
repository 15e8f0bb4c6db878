"""`netspec inspect`: what a file of weights, a solver's state or a mean image holds."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.text.amount import amount
from netspec.text.table import table

if TYPE_CHECKING:
    from netspec.weights.wire import Floats

HELP = "tabulate the blobs of a weight file, a solver's state or a mean image"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a .caffemodel of any age, .caffemodel.h5, .safetensors, .npz, .solverstate or .binaryproto",
    )


def run(args: Namespace) -> int:
    from netspec.weights.formats import kind_of

    path = Path(args.file)
    reports = {"a net's weights": _weights, "a solver's state": _state, "a single blob": _blob}
    print(reports[kind_of(path)](path))
    return 0


def _weights(path: Path) -> str:
    from netspec.weights import read_weights

    layers = read_weights(path)
    rows, blobs = [], []
    for layer in layers:
        for key, blob in layer.blobs.items():
            blobs.append(blob)
            name = layer.names[key] if isinstance(key, int) and key < len(layer.names) else str(key)
            rows.append([layer.name, layer.type, name, *_cells(blob)])
        if not layer.blobs:
            rows.append([layer.name, layer.type, *[""] * (1 + len(_HEADER))])
    return f"{_table(['layer', 'type', 'blob'], rows)}\n{len(layers)} layers, {_total(blobs)}"


def _state(path: Path) -> str:
    from netspec.weights import read_solverstate

    state = read_solverstate(path)
    rows = [[str(number), *_cells(blob)] for number, blob in enumerate(state.history)]
    weights = f", weights '{state.learned_net}'" if state.learned_net else ""
    where = f"iteration {state.iteration}, learning-rate step {state.current_step}{weights}"
    return f"{where}\n{_table(['history'], rows)}\n{_total(state.history)}"


def _blob(path: Path) -> str:
    from netspec.weights.blobs import read_blob
    from netspec.weights.wire import open_message

    blob = read_blob(open_message(path))
    return f"{_table([], [_cells(blob)])}\n{_total([blob])}"


_HEADER = ["shape", "dtype", "min", "max", "mean", "std", "not finite"]
_ALIGN = "<<>>>>>"


def _table(lead: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table([*lead, *_HEADER], rows, "<" * len(lead) + _ALIGN)


def _cells(blob: Floats) -> list[str]:
    from netspec.weights.statistics import statistics

    found = statistics(blob)
    ranges = (found.least, found.greatest, found.mean, found.std)
    numbers = [f"{number:.4g}" for number in ranges] if found.not_finite < blob.size else [""] * len(ranges)
    return [str(list(blob.shape)), str(blob.dtype), *numbers, str(found.not_finite or "")]


def _total(blobs: Sequence[Floats]) -> str:
    numbers, size = (sum(counts) for counts in ([b.size for b in blobs], [b.nbytes for b in blobs]))
    return f"{len(blobs)} blobs, {numbers:,} parameters, {amount(size, 'B')}"
