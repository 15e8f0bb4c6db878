"""Builds the graph of a net: looks up each layer's class, wires the blobs, lets shapes flow through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Literal

from netspec.errors import NetError, NetspecError, ParseError
from netspec.graph.graph import Blob, Graph, Node, Param
from netspec.layers.base import Layer
from netspec.layers.python import PythonLayer
from netspec.layers.registry import find_layer
from netspec.passes.data_transform import idle_transforms
from netspec.passes.layer_types import unknown_types
from netspec.passes.loss_tops import name_loss_tops
from netspec.passes.rewrite import layers_of
from netspec.passes.sharing import BlobRef, Sharing, share_params
from netspec.passes.state_filter import filter_state
from netspec.passes.upgrade import upgrade_net
from netspec.passes.wiring import Version, Wires, wire
from netspec.schema.document import Document, Spans, read_document
from netspec.schema.messages import TEST, TRAIN, LayerParameter, NetParameter, NetState, ParamSpec
from netspec.text.diagnostic import Diagnostic, in_text_order
from netspec.text.source import Source, Span

PhaseName = Literal["TRAIN", "TEST"] | int
_PHASES = {"TRAIN": TRAIN, "TEST": TEST, TRAIN: TRAIN, TEST: TEST}


def load_net(path: str | PathLike[str] | Source) -> Document[NetParameter]:
    """A net's document; what is old in it is brought up to date.

    Raises:
        ParseError: all that can be said about the text before the net is built, unknown layer types too.
        NetError: something old has no place in today's form.
    """
    document, diagnostics = read_document(path, NetParameter)
    if document is None:
        raise ParseError(diagnostics)
    if any(diagnostic.severity == "error" for diagnostic in diagnostics):
        raise ParseError(in_text_order([*diagnostics, *unknown_types(document)]))
    return upgrade_net(document)


def net_state(
    document: Document[NetParameter],
    phase: PhaseName,
    stages: Sequence[str] = (),
    level: int | None = None,
) -> NetState:
    """The state in which to see a net: its own, in this phase, with more stages and maybe another level."""
    if phase not in _PHASES:
        raise ValueError(f"phase is 'TRAIN' or 'TEST', not {phase!r}")
    state = NetState()
    state.CopyFrom(document.message.state)
    state.phase = _PHASES[phase]
    state.stage.extend(stage for stage in stages if stage not in state.stage)
    if level is not None:
        state.level = level
    return state


def fed_phases(document: Document[NetParameter]) -> list[PhaseName]:
    """The phases in which blobs come into a net: it may be written for one alone. Both where none do.

    Raises:
        NetError: the net is old, and something in it has no place in today's form.
    """
    whole = upgrade_net(document)
    phases: list[PhaseName] = ["TRAIN", "TEST"]
    fed = [
        phase
        for phase in phases
        if any(not spec.bottom for spec in filter_state(whole, net_state(whole, phase)).message.layer)
    ]
    return fed or phases


def build_graph(
    document: Document[NetParameter], state: NetState, *, allow_python_layers: bool = False
) -> Graph:
    """The graph of a net in a state, on the meta device: shapes, no memory.

    Python layers run code; they are refused unless ``allow_python_layers`` says that the net is trusted.

    Raises:
        NetError: everything that is wrong with the net, in the order of the text; a ShapeError or DataError
            where all of it is of that kind.
    """
    whole = upgrade_net(document)
    filtered = name_loss_tops(filter_state(whole, state))
    wires, errors = wire(filtered, whole)
    sharing, contradictions = share_params(filtered)
    builder = _Builder(training=state.phase == TRAIN, allow_python_layers=allow_python_layers)
    builder.errors += [NetError([error]) for error in (*unknown_types(filtered), *errors, *contradictions)]
    nodes = [
        builder.node(spec, spans, wired)
        for (spec, spans), wired in zip(layers_of(filtered), wires, strict=True)
    ]
    params = builder.params(nodes, sharing)
    if not builder.errors:
        builder.check_losses(nodes)
    if builder.errors:
        raise _together(builder.errors)
    net = filtered.message
    built = tuple(node for node in nodes if node is not None)
    if not whole.message.layer:
        builder.warn("the net has no layers", document.spans.span, help="is it the right file?")
    warnings = tuple(in_text_order([*whole.warnings, *idle_transforms(filtered), *builder.warnings]))
    return Graph(
        net.name, builder.training, net.force_backward, built, tuple(params), warnings, net.debug_info
    )


class _Builder:
    """Goes on after an error where it can: a layer that failed leaves its tops unknown, and whoever reads an
    unknown blob is passed over in silence, so that each mistake is reported once."""

    def __init__(self, *, training: bool, allow_python_layers: bool) -> None:
        self.training = training
        self.allow_python_layers = allow_python_layers
        self.errors: list[NetspecError] = []
        self.warnings: list[Diagnostic] = []
        self._blobs: dict[Version, Blob] = {}
        self._keys: set[str] = set()

    def node(self, spec: LayerParameter, spans: Spans, wires: Wires) -> Node | None:
        cls = find_layer(spec.type)
        if cls is None:  # known to `unknown_types`, unless there is no name to judge
            if not spec.type:
                self.errors.append(NetError.at(f"layer '{spec.name}' has no type", spans.span))
            return None
        try:
            layer = cls(spec, spans, training=self.training)
            if isinstance(layer, PythonLayer):
                layer.allowed = self.allow_python_layers
            loss_weights = _loss_weights(layer)
            propagate_down = _propagate_down(layer)
            bottoms = [self._blobs.get(version) if version else None for version in wires.bottoms]
            if any(blob is None for blob in bottoms):
                return None
            known = tuple(blob for blob in bottoms if blob is not None)
            shapes = layer.build([blob.shape for blob in known])
            self._check_params(layer)
        except NetspecError as error:
            self.errors.append(error)
            return None
        tops = tuple(Blob(name, shape) for name, shape in zip(spec.top, shapes, strict=True))
        self._blobs.update(zip(wires.tops, tops, strict=True))
        return Node(self._key(layer), layer, known, tops, loss_weights, propagate_down)

    def params(self, nodes: list[Node | None], sharing: Sharing) -> Iterable[Param]:
        """Every blob of every layer, in Caffe's order, with what its ``param`` block says of it."""
        found: dict[BlobRef, Param] = {}
        for position, node in enumerate(nodes):
            if node is None:
                continue
            for index, blob in enumerate(node.layer.blobs):
                ref = BlobRef(position, index)
                owner = found.get(sharing.owner[ref]) if ref in sharing.owner else None
                spec = _param_spec(node.layer, index)
                if owner is not None:
                    self._check_shared(node, index, spec, owner)
                factors = sharing.factors.get(sharing.owner.get(ref, ref), spec)
                lr_mult = factors.lr_mult if blob.requires_grad else 0.0
                found[ref] = Param(node, index, lr_mult, factors.decay_mult, owner)
        return found.values()

    def check_losses(self, nodes: list[Node | None]) -> None:
        """The loss is read from the net's result by name: of a blob's versions only the newest may count."""
        built = [node for node in nodes if node is not None]
        newest = {top.name: top for node in built for top in node.tops}
        for node in built:
            for top, weight in zip(node.tops, node.loss_weights, strict=True):
                if weight and newest[top.name] is not top:
                    message = f"top '{top.name}' has a loss weight, but a layer below changes it in place"
                    help = "give the top of that layer a name of its own"
                    self.errors.append(node.layer.error(message, "loss_weight", help=help))

    def warn(self, message: str, span: Span | None, *, help: str) -> None:
        self.warnings.append(Diagnostic(message, span, severity="warning", help=help))

    def _key(self, layer: Layer) -> str:
        name = layer.name or layer.spec.type.lower()
        key, count = name, 1
        while key in self._keys:
            count += 1
            key = f"{name}_{count}"
        if count > 1 and layer.name and layer.blob_names:
            message = f"a second layer is named '{layer.name}'; its blobs go by '{key}'"
            help = "weight files know layers by name: both are given the same weights"
            self.warn(message, layer.span("name"), help=help)
        self._keys.add(key)
        return key

    def _check_params(self, layer: Layer) -> None:
        blobs, params = len(layer.blob_names), len(layer.spec.param)
        if params > blobs:
            raise layer.error(f"has {blobs} blobs, but {params} param blocks", "param", blobs)

    def _check_shared(self, node: Node, index: int, spec: ParamSpec, owner: Param) -> None:
        mine = tuple(node.layer.blobs[index].shape)
        theirs = tuple(owner.node.layer.blobs[owner.index].shape)
        permissive = spec.share_mode == ParamSpec.PERMISSIVE
        count = node.layer.blobs[index].numel()
        if mine == theirs or (permissive and count == owner.node.layer.blobs[owner.index].numel()):
            return
        rule = "element count" if permissive else "shape"
        error = node.layer.error(
            f"shares blob '{spec.name}' of shape {list(mine)} with layer '{owner.node.layer.name}', "
            f"where its shape is {list(theirs)}: the {rule} must be the same",
            "param",
            index,
            help=None if permissive else "share_mode: PERMISSIVE allows another shape with as many elements",
        )
        self.errors.append(error)


def _together(errors: list[NetspecError]) -> NetspecError:
    kinds = {type(error) for error in errors}
    kind = kinds.pop() if len(kinds) == 1 else NetError
    return kind(in_text_order(diagnostic for error in errors for diagnostic in error.diagnostics))


def _param_spec(layer: Layer, index: int) -> ParamSpec:
    return layer.spec.param[index] if index < len(layer.spec.param) else ParamSpec()


def _loss_weights(layer: Layer) -> tuple[float, ...]:
    """One weight per top; a loss layer's first top counts with weight 1 unless the text says otherwise."""
    given, tops = list(layer.spec.loss_weight), layer.num_tops
    if given and len(given) != tops:
        message = f"has {tops} tops, but {len(given)} loss_weight"
        raise layer.error(message, "loss_weight", help="give one loss_weight for each top, or none")
    if not given and layer.traits.loss:
        given = [1.0] + [0.0] * (tops - 1)
    return tuple(given) or (0.0,) * tops


def _propagate_down(layer: Layer) -> tuple[bool, ...]:
    given, bottoms = list(layer.spec.propagate_down), len(layer.spec.bottom)
    if given and len(given) != bottoms:
        message = f"has {bottoms} bottoms, but {len(given)} propagate_down"
        raise layer.error(message, "propagate_down", help="give one propagate_down for each bottom, or none")
    return tuple(given) or (True,) * bottoms
