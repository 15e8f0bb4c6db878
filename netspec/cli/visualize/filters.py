"""`netspec visualize filters`: what a layer's filters look like."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.cli import flags
from netspec.cli.visualize import pictures
from netspec.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from netspec.viz.pixels import Floats
    from netspec.weights import LayerBlobs

HELP = "draw the filters of a layer"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("--weights", required=True, metavar="FILE", help="the weight file")
    parser.add_argument(
        "--layer", metavar="NAME", help="whose filters (the first layer that has images of them)"
    )
    parser.add_argument(
        "--model", metavar="FILE", help="the net's prototxt: tells what images a fully connected layer reads"
    )
    parser.add_argument("--o", metavar="FILE", default="filters.png", help="the picture, as PNG for one")
    parser.add_argument("--count", type=flags.count, metavar="N", help="how many filters at most")
    parser.add_argument(
        "--means", action="store_true", help="draw each filter's mean over its channels, not each of them"
    )
    flags.add_allow_python_layers(parser)
    flags.add_state(parser, phase="TEST")


def run(args: Namespace) -> int:
    from netspec.viz.filters import draw_filters
    from netspec.viz.pixels import save
    from netspec.weights import read_weights

    file = Path(args.o)
    pictures.require_suffix(file, pictures.PICTURES)
    layer, weight = _filters(read_weights(args.weights), args.layer, args.weights)
    shaped = _as_images(weight, layer.name, args) if args.model else weight
    try:
        save(draw_filters(shaped, layer.name, count=args.count, means=args.means), file)
    except OSError as error:
        raise pictures.not_written(file, error) from error
    print(f"{file}: {layer.name}, {'x'.join(map(str, shaped.shape))}")
    return 0


def _filters(layers: list[LayerBlobs], wanted: str | None, file: str) -> tuple[LayerBlobs, Floats]:
    """A layer's first blob, if it is one of filters or a matrix.

    Raises:
        UsageError: there is no layer of the wanted name.
        WeightsError: it has no filters, or no layer has.
    """
    with_blobs = {layer.name: layer for layer in layers if layer.blobs}
    if wanted is not None and wanted not in with_blobs:
        raise pictures.no_layer(f"'{file}'", wanted, list(with_blobs), "layers with blobs")
    weights = {name: _trimmed(next(iter(layer.blobs.values()))) for name, layer in with_blobs.items()}
    if wanted is None:
        wanted = next((name for name, weight in weights.items() if weight.ndim == 4), None)
    if wanted is None:
        help = "name a fully connected layer with -layer to see its matrix"
        raise WeightsError.at("no layer has filters", file=file, help=help)
    if weights[wanted].ndim not in (2, 4):
        shape = "x".join(map(str, weights[wanted].shape))
        raise WeightsError.at(f"layer '{wanted}' has no filters: its first blob is {shape}", file=file)
    return with_blobs[wanted], weights[wanted]


def _trimmed(blob: Any) -> Floats:
    """A blob without the axes of length 1 that old files put in front of a matrix."""
    import numpy as np

    array: Floats = np.asarray(blob, np.float32)
    return array[0, 0] if array.ndim == 4 and array.shape[:2] == (1, 1) and array.shape[2] > 1 else array


def _as_images(weight: Floats, name: str, args: Namespace) -> Floats:
    """A matrix's rows as the images that the layer reads in the net.

    Raises:
        NetspecError: the net cannot be built.
        UsageError: the net has no such layer, or its bottom does not fit.
    """
    from netspec.graph.build import build_graph, load_net, net_state

    document = load_net(args.model)
    state = net_state(document, **flags.state(args))
    graph = build_graph(document, state, allow_python_layers=args.allow_python_layers)
    node = next((node for node in graph.nodes if node.layer.name == name), None)
    if node is None:
        raise pictures.no_layer(f"net '{graph.name}'", name, [node.key for node in graph.nodes], "layers")
    if weight.ndim != 2 or not node.bottoms or len(node.bottoms[0].shape) != 4:
        return weight
    shape = node.bottoms[0].shape[1:]
    if prod(shape) != weight.shape[1]:
        read = "x".join(map(str, shape))
        raise UsageError.at(
            f"layer '{name}' reads {read} in the net, but has {weight.shape[1]} weights per row"
        )
    return weight.reshape(-1, *shape)
