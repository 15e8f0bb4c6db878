"""A compiled net: an `nn.Module` that maps named blobs to named blobs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Any

import torch
from torch import Tensor, fx, nn

from netspec.compiler.compute import DEFAULT, Compute, Runner
from netspec.compiler.engines import Choice, EngineName
from netspec.compiler.lower import lower
from netspec.compiler.memory import require_memory
from netspec.compiler.precision import PrecisionName, keep_exact
from netspec.compiler.rewrites import Applied, rewrite
from netspec.data.feed import Feed
from netspec.data.image_cache import ImageCache, caching
from netspec.errors import NetError, ShapeError
from netspec.graph.build import PhaseName, build_graph, load_net, net_state
from netspec.graph.graph import Blob, Graph, Node, Param
from netspec.layers.base import DataLayer, Layer, Shape, show_shape
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter
from netspec.text.diagnostic import Note
from netspec.text.suggest import nearest
from netspec.weights.loading import LoadReport, load_into, save_from

NetSource = str | PathLike[str] | NetParameter | Document[NetParameter]


@dataclass(frozen=True)
class LearnableParam:
    """A blob as the solver updates it: with the learning rate times lr_mult, the decay times decay_mult."""

    name: str
    parameter: nn.Parameter
    lr_mult: float
    decay_mult: float


class Net(nn.Module):
    """A net in one phase, ready to run.

    Attributes:
        graph: what is computed, with shapes and places in the text.
        graph_module: the same as a `torch.fx.GraphModule`.
        inputs: names of the blobs that the caller feeds.
        outputs: names of the blobs that no layer reads.
        blobs: the shape of each blob, in the order in which they are made.
        params: each layer's blobs, in Caffe's order, learnable or not.
        learnable_params: the blobs that a solver keeps a history for; a shared one appears once.
        loss_weights: the weight of each blob that counts towards the loss.
        data: for each data layer, where its batches come from.
        compute: how it is run, as it was asked for.
        rewrites: what was changed in the graph module that runs, to make it quicker.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        device: torch.device,
        seed: int,
        compute: Compute = DEFAULT,
        cache: ImageCache | None = None,
    ) -> None:
        super().__init__()
        self.graph = graph
        # Has the net's device and type even where no layer has a blob, and follows `to`.
        self.register_buffer("_like", torch.empty(0, device=device), persistent=False)
        _materialize(graph, device, torch.Generator().manual_seed(seed % 2**63))
        # The graph module holds the same layers; outside the registry, it does not name each of them twice.
        object.__setattr__(self, "graph_module", lower(graph).train(graph.training))
        for node in sorted(graph.nodes, key=lambda node: node.key.count(".")):
            _register(self, node.key, node.layer)
        self.train(graph.training)
        self.compute = compute
        self._cache = cache
        self._runner = self._make_runner()
        self._watched = False
        self.inputs = [blob.name for blob in graph.inputs]
        self.outputs = [blob.name for blob in graph.outputs]
        self.blobs: dict[str, Shape] = {name: blob.shape for name, blob in graph.blobs.items()}
        self.loss_weights = {blob.name: weight for blob, weight in graph.loss_weights.items()}
        self.data: dict[str, Feed] = {}
        self.reseed(seed)
        self._sources = [(node.key, node.tops) for node in graph.sources]
        self._readers = _label_readers(graph)
        self._varying = {
            node.tops[index]
            for node in graph.sources
            if isinstance(node.layer, DataLayer)
            for index in node.layer.varying
        }

    graph_module: fx.GraphModule
    rewrites: tuple[Applied, ...]
    _like: Tensor

    def __setattr__(self, name: str, value: Any) -> None:
        # A layer may have the name of an attribute ("data", "training"), and stays in the registry under it.
        if name in self.__dict__.get("_modules", ()):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    # Running --------------------------------------------------------------------------------------------

    def forward(self, **feeds: Any) -> dict[str, Tensor]:
        """Computes the output blobs.

        Args:
            feeds: tensors or arrays by blob name, brought to the net's device and type. The first axis may
                differ from the text's, the others must not. Tops of data layers that are not fed are drawn.

        Returns:
            The output blobs by name, and the drawn tops too.

        Raises:
            NetError: an input is not fed, or there is no such input.
            ShapeError: a fed tensor has another shape than its blob, or a label is no class.
            DataError: a batch could not be drawn.
        """
        self._check_names(feeds)
        fed = dict(self._fed({**self._drawn(feeds), **feeds}))
        tensors = dict(zip(fed, self.bring(fed.values()), strict=True))
        drawn = {name: tensor for name, tensor in tensors.items() if name not in feeds}
        return {**drawn, **self.run([*tensors.values()])}

    def fed(self, feeds: Mapping[str, Any]) -> list[Tensor]:
        """What is fed for each top of the source layers, in order, wherever it lies.

        Raises:
            NetError: an input is not fed, or there is no such input.
            ShapeError: a fed tensor has another shape than its blob, or a label is no class.
        """
        self._check_names(feeds)
        return [value for _, value in self._fed(feeds)]

    def bring(self, values: Iterable[Tensor]) -> list[Tensor]:
        """Values on the net's device, and of its type, labels too: in Caffe all blobs of a net have one."""
        return [value.to(self._like, non_blocking=True) for value in values]

    def run(self, tensors: Sequence[Tensor]) -> dict[str, Tensor]:
        """The output blobs for what `fed` gives and `bring` has brought here.

        Raises:
            NetError: the first axes do not fit together, or an index is out of range.
        """
        try:
            outputs: dict[str, Tensor] = (self.graph_module if self._is_watched() else self._runner)(*tensors)
        except (IndexError, RuntimeError, ValueError) as error:
            blamed = self._blamed(error, tensors)
            if blamed is None:
                raise
            raise blamed from error
        return outputs

    def _is_watched(self) -> bool:
        """Whether somebody looks at layers that the rewritten module passes by."""
        return self._watched or any(_is_touched(layer, self.graph) for layer in self._bypassed)

    @contextmanager
    def layer_by_layer(self) -> Iterator[None]:
        """While inside, the layers run one by one as the text has them, so that hooks see them all."""
        before, self._watched = self._watched, True
        try:
            yield
        finally:
            self._watched = before

    @property
    def engine(self) -> Choice:
        """Which engine runs the net, and why."""
        return self._runner.choice

    def give_up(self, reason: str) -> None:
        """Runs the net layer by layer from now on, since its engine does not work."""
        self._runner.give_up(reason)

    def loss(self, outputs: dict[str, Tensor]) -> Tensor:
        """The sum over all blobs with a loss weight, of that weight times the sum of the blob. A scalar."""
        terms = [weight * outputs[blob].sum() for blob, weight in self.loss_weights.items()]
        return torch.stack(terms).sum() if len(terms) > 1 else sum(terms, self._like.new_zeros(()))

    @property
    def device(self) -> torch.device:
        """Where the net computes."""
        return self._like.device

    @property
    def batch_size(self) -> int:
        """The first axis of the first source blob, as the text gives it; 1 for a net without sources."""
        shapes = [top.shape for _, tops in self._sources for top in tops]
        return shapes[0][0] if shapes and shapes[0] else 1

    # Parameters -----------------------------------------------------------------------------------------

    @property
    def params(self) -> dict[str, list[nn.Parameter]]:
        return {node.key: node.layer.blobs for node in self.graph.nodes if node.layer.blob_names}

    @property
    def learnable_params(self) -> list[LearnableParam]:
        return [
            LearnableParam(param.name, param.node.layer.blobs[param.index], param.lr_mult, param.decay_mult)
            for param in self.graph.params
            if param.owner is None
        ]

    def load_weights(self, path: str | PathLike[str], *, ignore_mismatched: bool = False) -> LoadReport:
        """Copies the blobs of each layer that the file knows by the same name.

        Args:
            path: a .caffemodel of any age, a .caffemodel.h5, a .safetensors or an .npz.
            ignore_mismatched: whether a layer whose blobs have other shapes in the file keeps what it held,
                instead of being an error.

        Returns:
            What was loaded, and what could not be matched.

        Raises:
            WeightsError: the file is broken, blobs have other shapes, or no layer is of this net.
        """
        return load_into(self, path, ignore_mismatched=ignore_mismatched)

    def save_weights(self, path: str | PathLike[str]) -> None:
        """Writes all blobs; the file appears whole or not at all.

        The suffix says how: ``.h5``, ``.safetensors`` with the keys of the state dict, ``.npz``, or, with any
        other, Caffe's binary format.

        Raises:
            WeightsError: the file cannot be written.
        """
        save_from(self, path)

    def share_weights_with(self, other: Net) -> None:
        """Lets each layer use the blobs of ``other``'s layer of the same name, without a copy.

        Raises:
            NetError: two layers of one name have blobs of different shapes.
        """
        theirs = {node.key: node.layer for node in other.graph.nodes}
        for node in self.graph.nodes:
            source = theirs.get(node.key)
            if source is None or not node.layer.blob_names:
                continue
            if [blob.shape for blob in source.blobs] != [blob.shape for blob in node.layer.blobs]:
                mine, other_s = (_shapes(layer) for layer in (node.layer, source))
                raise NetError.at(
                    f"layer '{node.layer.name}' has blobs of {mine}, but shares those of the layer of its "
                    f"name in another net, which are of {other_s}",
                    node.span,
                    notes=[Note("that layer", source.span())],
                    help="layers share by name: rename this one to give it blobs of its own",
                )
            for mine, name in zip(node.layer.blob_names, source.blob_names, strict=True):
                node.layer.adopt(mine, source, name)

    def reseed(self, seed: int) -> None:
        """Lets the data layers draw from another seed, from their first batch on."""
        self.close()
        with caching(self._cache):
            self.data = {
                node.key: Feed(
                    node.layer.stream(_stream_seed(seed, self.graph.training, node.key)),
                    workers=node.layer.workers,
                    ahead=node.layer.ahead,
                    device=self.device,
                )
                for node in self.graph.sources
                if isinstance(node.layer, DataLayer)
            }

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Net:
        """Moves the net, and lets its batches follow."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for feed in self.data.values():
            feed.device = self.device
        self._runner = self._make_runner()
        return self

    def close(self) -> None:
        """Stops drawing batches ahead."""
        for feed in self.data.values():
            feed.close()

    # ----------------------------------------------------------------------------------------------------

    def _make_runner(self) -> Runner:
        module = self.graph_module
        if self.compute.dtype != torch.float32:
            module = keep_exact(module, self.graph)
        done = rewrite(module, self.device, self._like.dtype, self.compute)
        self.rewrites, self._bypassed = done.applied, done.bypassed
        return Runner(done.module, self.graph, self.device, self.compute)

    def _blamed(self, error: Exception, tensors: Sequence[Tensor]) -> NetError | None:
        """What the user did if that is why the net failed: fed first axes that do not fit together, or a
        label or index that its layer has no place for, found by running layer by layer."""
        if not isinstance(error, IndexError):
            return self._unlike_batches(error, tensors)
        blaming = _Blaming(self.graph_module)
        blaming.extra_traceback = False  # it would become part of the error's text
        try:
            blaming.run(*tensors)
        except NetError as blamed:
            return blamed
        return None

    def _unlike_batches(self, error: Exception, tensors: Sequence[Tensor]) -> ShapeError | None:
        tops = [top for _, tops in self._sources for top in tops]
        pairs = [
            (tensor, top) for tensor, top in zip(tensors, tops, strict=True) if top.shape and top.shape[0]
        ]
        if len({Fraction(len(tensor), top.shape[0]) for tensor, top in pairs}) < 2:
            return None
        fed, text = (
            ", ".join(f"{top.name} {show_shape(shape)}" for top, shape in zip(tops, shapes, strict=True))
            for shapes in ([tensor.shape for tensor in tensors], [top.shape for top in tops])
        )
        reason = str(error).rstrip(".")
        return ShapeError.at(
            f"the net cannot run on {fed}: {reason}",
            help=f"it was compiled for {text}: let the first axes change together",
        )

    def _check_names(self, feeds: Iterable[str]) -> None:
        known = [top.name for _, tops in self._sources for top in tops]
        for name in feeds:
            if name not in known:
                guess = nearest(name, known)
                listed = ", ".join(known) or "none"
                hint = f"did you mean '{guess}'?" if guess else f"the net's inputs: {listed}"
                raise NetError.at(f"net '{self.graph.name}' has no input '{name}'", help=hint)
        drawn = {top.name for key, tops in self._sources if key in self.data for top in tops}
        for name in known:
            if name not in feeds and name not in drawn:
                raise self._missing(name)

    def _missing(self, name: str) -> NetError:
        shape = show_shape(self.blobs[name])
        return NetError.at(f"input '{name}' is not fed", help=f"call the net with {name}=<tensor of {shape}>")

    def _drawn(self, feeds: Mapping[str, Any]) -> dict[str, Tensor]:
        """The next batch of the data layers of which not all is fed."""
        drawn: dict[str, Tensor] = {}
        for key, tops in self._sources:
            if key in self.data and any(top.name not in feeds for top in tops):
                drawn.update(zip((top.name for top in tops), self.data[key].next(), strict=True))
        return drawn

    def _fed(self, feeds: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
        for _, tops in self._sources:
            for top in tops:
                yield top.name, self._checked(top, feeds[top.name])

    def _checked(self, top: Blob, given: Any) -> Tensor:
        """A fed value as a tensor, of the shape that its blob has.

        Labels are looked at while that does not make the CPU wait for a device; there, a wrong one would end
        the process without a word about it. Within torch.compile a look would break the graph in two.
        """
        value: Tensor = given if isinstance(given, Tensor) else torch.as_tensor(given)
        fits = top in self._varying or tuple(value.shape[1:]) == top.shape[1:]
        if value.ndim != len(top.shape) or not fits:
            raise ShapeError.at(
                f"input '{top.name}' is fed {show_shape(value.shape)}, but the net was compiled for "
                f"{show_shape(top.shape)}",
                help="only the first axis may differ; change the shape in the text for another",
            )
        if value.device.type == "cpu" and not torch.compiler.is_compiling():
            for layer in self._readers.get(top, ()):
                layer.check_labels(value)
        return value


class _Blaming(fx.Interpreter):
    """Says at which layer an index is out of range."""

    def run_node(self, n: fx.Node) -> Any:
        try:
            return super().run_node(n)
        except IndexError as error:
            layer: Layer = n.meta["node"].layer
            reason = str(error).rstrip(".").lower()
            raise layer.shape_error(
                reason, help="a label or index counts from 0, up to the classes less 1"
            ) from error


def compile_net(
    source: NetSource,
    *,
    phase: PhaseName = "TEST",
    stages: Sequence[str] = (),
    level: int | None = None,
    weights: str | PathLike[str] | None = None,
    ignore_mismatched: bool = False,
    device: str | torch.device = "cpu",
    seed: int | None = None,
    allow_python_layers: bool = False,
    engine: EngineName = "auto",
    precision: PrecisionName = "fp32",
    recompute: bool = False,
    cache: ImageCache | None = None,
    rewrite: bool = True,
) -> Net:
    """Compiles a net for one phase.

    Args:
        source: a prototxt's path, a message, or a document that is already read.
        phase: ``"TRAIN"`` or ``"TEST"``, or `netspec.TRAIN`, `netspec.TEST`.
        stages: added to those that the net itself names.
        level: replaces the net's own.
        weights: a weight file to load, as `Net.load_weights` does.
        ignore_mismatched: whether layers that have other shapes in it keep their fillers' numbers.
        device: where to compute.
        seed: what fillers and data layers draw from; without one, PyTorch's own generator gives it.
        allow_python_layers: whether layers of type Python may run their modules' code.
        engine: how to run it: "eager", "compiled", "graph" or "auto"; `Net.engine` says which one it is,
            since what cannot be done falls back to "eager".
        precision: "fp32", "tf32", "bf16" or "fp16". Blobs that are learned, sampling positions and losses are
            in float32 all the same.
        recompute: whether to keep few activations for the backward pass and to compute the others once more.
        cache: keeps what data layers decode; several nets may share one.
        rewrite: whether to rearrange the net so that it is quicker; numbers change by rounding at most.

    Raises:
        ParseError: the text is wrong.
        NetError: the net is.
        DataError: a data layer's source is missing or broken.
        WeightsError: the weights do not fit.
    """
    document = as_document(source)
    if seed is None:
        seed = int(torch.randint(2**62, ()))
    state = net_state(document, phase, stages, level)
    graph = build_graph(document, state, allow_python_layers=allow_python_layers)
    require_memory(graph, torch.device(device))
    compute = Compute(engine, precision, recompute, rewrite)
    net = Net(graph, device=torch.device(device), seed=seed, compute=compute, cache=cache)
    if weights is not None:
        net.load_weights(weights, ignore_mismatched=ignore_mismatched)
    return net


def as_document(source: NetSource) -> Document[NetParameter]:
    """A net's document, from wherever it comes."""
    if isinstance(source, Document):
        return source
    if isinstance(source, NetParameter):
        return Document.from_message(source)
    return load_net(source)


def _materialize(graph: Graph, device: torch.device, generator: torch.Generator) -> None:
    """Gives every blob its memory and first numbers; a shared blob takes its owner's."""
    by_node: dict[Node, list[Param]] = {}
    for param in graph.params:
        by_node.setdefault(param.node, []).append(param)
    for node in graph.nodes:
        node.layer.materialize(device, generator)
        for param in by_node.get(node, []):
            if param.owner is None:
                node.layer.blobs[param.index].requires_grad_(param.lr_mult != 0)
            else:
                _adopt(node.layer, param.index, param.owner)


def _register(module: nn.Module, key: str, layer: Layer) -> None:
    """Under its name; a dot in it makes a group, as PyTorch reads the keys of a state dict."""
    *groups, name = key.split(".")
    for group in groups:
        module = module._modules.setdefault(group, nn.Module()) or module
    module._modules[name] = layer


def _label_readers(graph: Graph) -> dict[Blob, list[Layer]]:
    """The layers that read a source's top as labels."""
    readers: dict[Blob, list[Layer]] = {top: [] for node in graph.sources for top in node.tops}
    for node in graph.nodes:
        labels = node.layer.class_labels
        if labels is not None and node.bottoms[labels.bottom] in readers:
            readers[node.bottoms[labels.bottom]].append(node.layer)
    return readers


def _is_touched(layer: Layer, graph: Graph) -> bool:
    """Whether a layer has a hook, or another phase than the net was compiled for."""
    if layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks:
        return True
    return bool(layer._backward_pre_hooks) or layer.training != graph.training


def _shapes(layer: Layer) -> str:
    return " and ".join(show_shape(blob.shape) for blob in layer.blobs) or "no shape"


def _adopt(layer: Layer, index: int, owner: Param) -> None:
    theirs = owner.node.layer
    layer.adopt(layer.blob_names[index], theirs, theirs.blob_names[owner.index])


def _stream_seed(seed: int, training: bool, layer: str) -> int:
    """Each data layer's own seed, so that the layers' draws have nothing to do with each other."""
    text = f"{seed}/{'TRAIN' if training else 'TEST'}/{layer}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "little")
