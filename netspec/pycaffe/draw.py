"""``caffe.draw``: drawings of nets, without pydot and graphviz."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import cast

from netspec.pycaffe.proto import caffe_pb2
from netspec.viz.draw import Box, Direction, Drawing, Edge

__all__ = [
    "Graph",
    "choose_color_by_layertype",
    "draw_net",
    "draw_net_to_file",
    "get_edge_label",
    "get_layer_label",
    "get_layer_lr_mult",
    "get_pooling_types_dict",
    "get_pydot_graph",
]

_CONVOLUTIONS = ("Convolution", "Deconvolution")
_LEARNING = (*_CONVOLUTIONS, "InnerProduct")
_COLOURS = {
    "Convolution": "#FF5050",
    "Deconvolution": "#FF5050",
    "Pooling": "#FF9900",
    "InnerProduct": "#CC33FF",
}
_OTHER, _IN_PLACE, _BLOB = "#6495ED", "#90EE90", "#E0E0E0"
_NOTHING = '""'


class Graph:
    """What `get_pydot_graph` gives: as much of pydot's ``Dot`` as scripts need."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing

    def to_string(self) -> str:
        """Text for graphviz."""
        return self.drawing.dot()

    def create(self, prog: object = None, format: str = "png") -> bytes:
        """The drawing as the content of a file. ``prog`` is pydot's; no program is run.

        Raises:
            ValueError: the format is none of `netspec.viz.draw.FORMATS`.
        """
        return self.drawing.encode(format)

    def write(self, path: str | PathLike[str], prog: object = None, format: str = "raw") -> bool:
        """Writes the drawing to a file.

        Raises:
            ValueError: the format is none of `netspec.viz.draw.FORMATS`.
            OSError: the file cannot be written.
        """
        Path(path).write_bytes(self.create(prog, format))
        return True

    def write_png(self, path: str | PathLike[str], prog: object = None) -> bool:
        """Writes the drawing as a PNG file. Raises OSError if it cannot be written."""
        return self.write(path, prog, "png")

    def write_svg(self, path: str | PathLike[str], prog: object = None) -> bool:
        """Writes the drawing as an SVG file. Raises OSError if it cannot be written."""
        return self.write(path, prog, "svg")


def get_pooling_types_dict() -> dict[int, str]:
    """The names of the kinds of pooling, by number."""
    return {number: name for name, number in caffe_pb2.PoolingParameter.PoolMethod.items()}


def get_edge_label(layer: caffe_pb2.LayerParameter) -> str:
    """What stands at the edges to a layer's tops: its size, or an empty pair of quotes."""
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    if layer.type in _CONVOLUTIONS:
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return _NOTHING


def get_layer_lr_mult(layer: caffe_pb2.LayerParameter) -> tuple[float, float]:
    """The lr_mult of a layer's weights and of its biases.

    Raises:
        ValueError: the layer is no convolution and not fully connected, or has more than two param blocks.
    """
    if layer.type not in _LEARNING:
        raise ValueError(f"a {layer.type} layer has no weights and biases")
    if len(layer.param) > 2:
        raise ValueError(f"layer '{layer.name}' has {len(layer.param)} param blocks: expected two at most")
    weights, biases = [*(param.lr_mult for param in layer.param), 1.0, 1.0][:2]
    return weights, biases


def get_layer_label(layer: caffe_pb2.LayerParameter, rankdir: str, display_lrm: bool = False) -> str:
    r"""What stands in a layer's box, in quotes: in one line where the drawing is upright, otherwise with
    ``\n`` between the parts."""
    parts = [layer.name, f"({layer.type})"]
    if layer.type == "Pooling":
        pooling = layer.pooling_param
        parts[1] = f"(Pooling {get_pooling_types_dict()[pooling.pool]})"
        parts += _window(pooling.kernel_size, pooling.stride, pooling.pad)
    elif layer.type in _CONVOLUTIONS:
        kernel = layer.convolution_param
        first = ([*kernel.kernel_size, 1][0], [*kernel.stride, 1][0], [*kernel.pad, 0][0])
        parts += _window(*first)
    if display_lrm and layer.type in _LEARNING and any(rates := get_layer_lr_mult(layer)):
        parts.append(f"lr mult: {rates[0]:.1f}, {rates[1]:.1f}")
    return f'"{(" " if rankdir in ("TB", "BT") else chr(92) + "n").join(parts)}"'


def _window(kernel_size: int, stride: int, pad: int) -> list[str]:
    return [f"kernel size: {kernel_size}", f"stride: {stride}", f"pad: {pad}"]


def choose_color_by_layertype(layertype: str) -> str:
    """The colour of a layer's box, as ``#rrggbb``."""
    return _COLOURS.get(layertype, _OTHER)


def get_pydot_graph(
    caffe_net: caffe_pb2.NetParameter,
    rankdir: str,
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> Graph:
    """The graph of a net: a node for each layer, and one for each blob.

    Args:
        caffe_net: the net.
        rankdir: where it leads: "LR", "RL", "TB" or "BT".
        label_edges: whether sizes stand at the edges.
        phase: ``caffe.TRAIN`` or ``caffe.TEST`` for the layers that take part in it; None for all.
        display_lrm: whether the layers' boxes tell lr_mult.

    Raises:
        ValueError: a layer has both include and exclude rules, or there is no such direction.
    """
    if rankdir not in ("LR", "RL", "TB", "BT"):
        raise ValueError(f"expected a rankdir of LR, RL, TB or BT, not '{rankdir}'")
    boxes: dict[str, Box] = {}
    edges: dict[Edge, None] = {}
    for layer in caffe_net.layer:
        if phase is not None and not _takes_part(layer, phase):
            continue
        key = f"{layer.name}_{layer.type}"
        label = get_layer_label(layer, rankdir, display_lrm).strip('"')
        in_place = len(layer.top) == 1 and list(layer.bottom) == list(layer.top)
        fill = _IN_PLACE if in_place else choose_color_by_layertype(layer.type)
        boxes[key] = Box(key, tuple(label.split(r"\n")), fill)
        for blob in (*layer.bottom, *layer.top):
            boxes.setdefault(f"{blob}_blob", Box(f"{blob}_blob", (blob,), _BLOB, "octagon"))
        size = get_edge_label(layer) if label_edges else _NOTHING
        edges |= {Edge(f"{blob}_blob", key): None for blob in layer.bottom}
        edges |= {Edge(key, f"{blob}_blob", size.strip('"')): None for blob in layer.top}
    name = caffe_net.name or "Net"
    return Graph(Drawing(name, tuple(boxes.values()), tuple(edges), cast(Direction, rankdir)))


def _takes_part(layer: caffe_pb2.LayerParameter, phase: int) -> bool:
    if layer.include and layer.exclude:
        raise ValueError(f"layer '{layer.name}' has both include and exclude rules")
    rules = layer.include or layer.exclude
    met = any(rule.phase == phase or not rule.HasField("phase") for rule in rules)
    return met == bool(layer.include)


def draw_net(
    caffe_net: caffe_pb2.NetParameter,
    rankdir: str,
    ext: str = "png",
    phase: int | None = None,
    display_lrm: bool = False,
) -> bytes:
    """The drawing of a net as the content of a file; see `get_pydot_graph`.

    Raises:
        ValueError: see there; or ``ext`` is none of `netspec.viz.draw.FORMATS`.
    """
    return get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm).create(format=ext)


def draw_net_to_file(
    caffe_net: caffe_pb2.NetParameter,
    filename: str | PathLike[str],
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Draws a net into a file, in the format that its suffix names; ``.raw`` is text for graphviz.

    Raises:
        ValueError: see `draw_net`.
        OSError: the file cannot be written.
    """
    ext = fspath(filename).rpartition(".")[2]
    Path(filename).write_bytes(draw_net(caffe_net, rankdir, ext, phase, display_lrm))
