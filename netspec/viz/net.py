"""Drawings of nets: a box for each layer, coloured by its kind, with shapes at the arrows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from netspec.errors import DataError, NetspecError
from netspec.graph.graph import Blob
from netspec.layers.base import Shape, SourceLayer, show_shape
from netspec.layers.registry import find_layer
from netspec.passes.loss_tops import name_loss_tops
from netspec.passes.rewrite import layers_of
from netspec.passes.state_filter import filter_state
from netspec.passes.upgrade import upgrade_net
from netspec.passes.wiring import Version, wire
from netspec.schema.messages import (
    TRAIN,
    EltwiseParameter,
    LayerParameter,
    PoolingParameter,
)
from netspec.text.amount import amount
from netspec.text.printer import print_message
from netspec.viz.draw import Box, Direction, Drawing, Edge, Sheet
from netspec.viz.layout import Part

if TYPE_CHECKING:
    from netspec.graph.graph import Graph
    from netspec.schema.document import Document
    from netspec.schema.messages import NetParameter, NetState
    from netspec.text.source import Span

# The kinds of layers, in the order of the legend. A spatial transformer is meant to be seen first.
COLOURS = {
    "data": "#cfe8cf",
    "spatial transformer": "#ff9a3c",
    "convolution": "#aecdf0",
    "fully connected": "#cdbcf0",
    "recurrent": "#9fe0e6",
    "pooling": "#fbe3a4",
    "activation": "#f2f4c3",
    "dropout": "#e4e7d3",
    "normalisation": "#d3ece6",
    "reshaping and joining": "#e2e2e2",
    "loss": "#f4a9a3",
    "score": "#f9d3e0",
    "other": "#ffffff",
}

_TYPES = {
    "spatial transformer": "SpatialTransformer ST",
    "convolution": "Convolution Deconvolution DepthwiseConvolution ConvolutionDepthwise DepthwiseConv Im2col",
    "fully connected": "InnerProduct Embed Bias",
    "recurrent": "LSTM Lstm RNN GRU LSTMUnit",
    "pooling": "Pooling SPP ROIPooling PSROIPooling",
    "activation": "ReLU ReLU6 PReLU ELU Sigmoid TanH Swish BNLL AbsVal Power Exp Log Clip Threshold Softmax "
    "LogSoftmax",
    "dropout": "Dropout",
    "normalisation": "BatchNorm Scale LRN MVN Normalize BN SpatialContrastiveNormalization "
    "ContrastiveNormalization",
    "reshaping and joining": "Concat Eltwise Slice Split Reshape Flatten Permute Tile Crop Repeat Axpy "
    "Silence Filter BatchReindex Reduction ShuffleChannel Interp Upsample",
    "score": "Accuracy SegAccuracy DetectionEvaluate ArgMax",
}
_KINDS = {type: kind for kind, types in _TYPES.items() for type in types.split()}


def kind_of(type: str) -> str:
    """What kind of layer a type is: one of `COLOURS`."""
    cls = find_layer(type)
    if cls is not None and issubclass(cls, SourceLayer):
        return "data"
    return _KINDS.get(type, "loss" if cls is not None and cls.traits.loss else "other")


@dataclass(frozen=True)
class Top:
    """A blob that a layer makes. ``key`` tells it from others of its name; the shape may be unknown."""

    key: object
    name: str
    shape: Shape | None


@dataclass(frozen=True)
class Step:
    """A layer of a net, as it is drawn.

    Attributes:
        key: its name, made unique.
        params: its learnable blobs: name, shape, lr_mult, decay_mult, and the layer that owns it, if another.
    """

    key: str
    spec: LayerParameter
    bottoms: tuple[Top, ...]
    tops: tuple[Top, ...]
    params: tuple[tuple[str, Shape, float, float, str], ...] = ()

    @property
    def in_place(self) -> bool:
        """Whether it changes its only bottom."""
        return len(self.bottoms) == len(self.tops) == 1 and self.bottoms[0].name == self.tops[0].name


@dataclass(frozen=True)
class View:
    """A net as it is in one phase, or in several in which it is the same."""

    net: str
    phases: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def heading(self) -> str:
        owned = [
            prod(shape) for step in self.steps for _, shape, lr, _, owner in step.params if lr and not owner
        ]
        numbers = f", {amount(sum(owned))} learnable numbers" if owned else ""
        return f"{' and '.join(self.phases)}: {len(self.steps)} layers{numbers}"

    @property
    def _structure(self) -> list[tuple[object, ...]]:
        return [
            (
                step.key,
                step.spec.type,
                *((top.name, top.shape) for top in step.bottoms),
                *((top.name, top.shape) for top in step.tops),
            )
            for step in self.steps
        ]

    def same_as(self, other: View) -> bool:
        """Whether it would be drawn alike."""
        return self._structure == other._structure


def view_of(graph: Graph) -> View:
    """What there is to draw of a net's graph."""
    steps = []
    for node in graph.nodes:
        params = tuple(
            (
                node.layer.blob_names[param.index],
                tuple(node.layer.blobs[param.index].shape),
                param.lr_mult,
                param.decay_mult,
                param.owner.node.key if param.owner else "",
            )
            for param in graph.params
            if param.node is node
        )
        steps.append(Step(node.key, node.layer.spec, _tops(node.bottoms), _tops(node.tops), params))
    return View(graph.name, ("TRAIN" if graph.training else "TEST",), tuple(steps))


def _tops(blobs: Iterable[Blob]) -> tuple[Top, ...]:
    return tuple(Top(blob, blob.name, blob.shape) for blob in blobs)


def is_about_data(error: NetspecError, document: Document[NetParameter]) -> bool:
    """Whether a net cannot be built for want of its data only: all that is wrong lies in what its data layers
    say, or in other files that the net names."""
    layers = layers_of(upgrade_net(document))
    begins = [(spans.span.start, kind_of(spec.type) == "data") for spec, spans in layers]

    def excused(span: Span | None) -> bool:
        if span is None:
            return isinstance(error, DataError)
        if span.source.name != document.source.name:
            return True
        return max((begin for begin in begins if begin[0] <= span.start), default=(0, False))[1]

    return all(excused(diagnostic.span) for diagnostic in error.diagnostics)


def view_without_shapes(document: Document[NetParameter], state: NetState) -> View:
    """What there is to draw of a net that cannot be built, since its data are not at hand.

    Raises:
        NetError: include and exclude rules contradict each other.
    """
    net = name_loss_tops(filter_state(upgrade_net(document), state))
    wires, _ = wire(net)
    steps, seen = [], set[str]()
    for (spec, _), wired in zip(layers_of(net), wires, strict=True):
        key = next(name for name in _names(spec) if name not in seen)
        seen.add(key)
        bottoms = [version for version in wired.bottoms if version is not None]
        steps.append(Step(key, spec, _unknown(bottoms), _unknown(wired.tops)))
    return View(net.message.name, ("TRAIN" if state.phase == TRAIN else "TEST",), tuple(steps))


def _names(spec: LayerParameter) -> Iterable[str]:
    name = spec.name or spec.type.lower()
    yield name
    yield from (f"{name}_{count}" for count in range(2, 10**6))


def _unknown(versions: Iterable[Version]) -> tuple[Top, ...]:
    return tuple(Top(version, version.blob, None) for version in versions)


def merged(views: Sequence[View]) -> list[View]:
    """The views, those that would be drawn alike as one."""
    found: list[View] = []
    for view in views:
        twin = next((index for index, other in enumerate(found) if other.same_as(view)), None)
        if twin is None:
            found.append(view)
        else:
            found[twin] = View(view.net, (*found[twin].phases, *view.phases), found[twin].steps)
    return found


def draw_views(views: Sequence[View], direction: Direction = "TB") -> Sheet:
    """The drawing of a net in its phases, side by side, with a legend of the colours."""
    name = next((view.net for view in views if view.net), "") or "net"
    kinds = {kind_of(step.spec.type) for view in views for step in view.steps}
    legend = {kind: colour for kind, colour in COLOURS.items() if kind in kinds}
    drawings = tuple(_drawing(view, direction) for view in views)
    return Sheet(name, drawings, direction, title=name, legend=legend)


def _drawing(view: View, direction: Direction) -> Drawing:
    readers: dict[object, list[Step]] = {}
    makers = {top.key: step for step in view.steps for top in step.tops}
    for step in view.steps:
        for bottom in step.bottoms:
            readers.setdefault(bottom.key, []).append(step)
    hosts: dict[str, str] = {}
    guests: dict[str, list[Step]] = {}
    for step in view.steps:
        maker = makers.get(step.bottoms[0].key) if step.in_place else None
        if maker and len(maker.tops) == 1 and readers[step.bottoms[0].key] == [step]:
            hosts[step.key] = hosts[maker.key]
            guests[hosts[step.key]].append(step)
        else:
            hosts[step.key] = step.key
            guests[step.key] = []
    boxes = [_box(step, guests[step.key], readers) for step in view.steps if hosts[step.key] == step.key]
    edges = [
        Edge(hosts[maker.key], step.key, _label(maker, bottom))
        for step in view.steps
        if hosts[step.key] == step.key
        for bottom in step.bottoms
        if (maker := makers.get(bottom.key))
    ]
    return Drawing(view.heading, tuple(boxes), tuple(dict.fromkeys(edges)), direction)


def _label(maker: Step, top: Top) -> str:
    """A blob's shape, and its name where that is not the layer's."""
    name = "" if top.name == maker.spec.name else top.name
    if len(maker.tops) == 1 and maker.in_place:
        name = ""
    return " ".join(filter(None, [name, show_shape(top.shape) if top.shape is not None else ""]))


def _box(step: Step, guests: Sequence[Step], readers: dict[object, list[Step]]) -> Box:
    kind = kind_of(step.spec.type)
    last = guests[-1] if guests else step
    results = [top for top in last.tops if not readers.get(top.key) and top.shape]
    lines = [step.key, summary(step.spec), *(f"gives {_label(step, top)}" for top in results)]
    parts = tuple(
        Part(guest.key, (guest.key, summary(guest.spec)), COLOURS[kind_of(guest.spec.type)], _hint(guest))
        for guest in guests
    )
    stands_out = kind == "spatial transformer"
    return Box(
        step.key,
        tuple(lines),
        COLOURS[kind],
        "octagon" if stands_out and not parts else "box",
        parts,
        titled=True,
        strong=stands_out,
        hint=_hint(step),
    )


def _hint(step: Step) -> str:
    tops = (
        f"{top.name} {show_shape(top.shape) if top.shape is not None else ''}".strip() for top in step.tops
    )
    blobs = (f"{name} {show_shape(shape)}" for name, shape, *_ in step.params)
    return "\n".join(filter(None, [f"{step.key} ({step.spec.type})", ", ".join(tops), ", ".join(blobs)]))


def detail(step: Step) -> dict[str, Any]:
    """All there is to know of a layer, as JSON can hold it."""
    return {
        "name": step.key,
        "type": step.spec.type,
        "kind": kind_of(step.spec.type),
        "bottoms": [[top.name, _shown(top)] for top in step.bottoms],
        "tops": [[top.name, _shown(top)] for top in step.tops],
        "params": [
            [name, show_shape(shape), prod(shape), f"{lr:g}", f"{decay:g}", owner]
            for name, shape, lr, decay, owner in step.params
        ],
        "text": _text(step.spec),
    }


def _shown(top: Top) -> str:
    return show_shape(top.shape) if top.shape is not None else "?"


def _text(spec: LayerParameter) -> str:
    lines = print_message(spec).splitlines()
    return "\n".join(["layer {", *(f"  {line}" for line in lines), "}"])


# What a layer does, in a few words -----------------------------------------------------------------------


def summary(spec: LayerParameter) -> str:
    """A layer's type, and the settings that one looks for in a drawing."""
    words = _WORDS.get(spec.type)
    return " ".join([spec.type, *words(spec)]) if words else spec.type


def _convolution(spec: LayerParameter) -> list[str]:
    param = spec.convolution_param
    return [_window(param, list(param.kernel_size)), *_more(param, ("stride", "pad", "dilation", "group"))]


def _pooling(spec: LayerParameter) -> list[str]:
    param = spec.pooling_param
    method = PoolingParameter.PoolMethod.Name(param.pool)
    if param.global_pooling:
        return [method, "global"]
    return [method, _window(param, [param.kernel_size]), *_more(param, ("stride", "pad"))]


def _window(param: Any, sizes: list[int]) -> str:
    """The kernel's height and width."""
    sizes = [param.kernel_h, param.kernel_w] if param.HasField("kernel_h") else sizes
    return "x".join(map(str, sizes * 2 if len(sizes) == 1 else sizes))


def _more(param: Any, names: Iterable[str]) -> list[str]:
    """The settings that are not the usual ones."""
    found = []
    for name in names:
        value = getattr(param, name)
        values = [value] if isinstance(value, int) else list(value)
        usual = 0 if name == "pad" else 1
        if param.DESCRIPTOR.fields_by_name.get(f"{name}_h") and param.HasField(f"{name}_h"):
            values = [getattr(param, f"{name}_h"), getattr(param, f"{name}_w")]
        if set(values) - {usual}:
            found.append(f"{name} {'x'.join(map(str, values))}")
    return found


def _transformer(spec: LayerParameter) -> list[str]:
    name = spec.st_param.transform_type
    return [] if name == "affine" else [name]


_WORDS: dict[str, Callable[[LayerParameter], list[str]]] = {
    "Convolution": _convolution,
    "Deconvolution": _convolution,
    "Pooling": _pooling,
    "InnerProduct": lambda spec: [str(spec.inner_product_param.num_output)],
    "Dropout": lambda spec: [f"{spec.dropout_param.dropout_ratio:g}"],
    "Eltwise": lambda spec: [EltwiseParameter.EltwiseOp.Name(spec.eltwise_param.operation)],
    "SpatialTransformer": _transformer,
    "ST": _transformer,
}
