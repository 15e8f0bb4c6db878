"""The base class of all layers: arity, blobs and shapes are checked here, in one fixed sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch._dynamo  # the dry run's meta kernels load it at first use: better here than inside a compile
from torch import Tensor, nn

from netspec.data.share import Share, current_share
from netspec.data.stream import Stream
from netspec.errors import NetError, ShapeError
from netspec.layers.fillers import Filler, find_filler
from netspec.layers.registry import Arity, Traits, find_layer
from netspec.schema.messages import FillerParameter, LayerParameter
from netspec.schema.spans import Spans
from netspec.text.paths import resolve
from netspec.text.source import Span

Shape = tuple[int, ...]
ChannelMap = tuple[Tensor, Tensor | None]

_BLOB_NAMES = ("weight", "bias")
_LARGEST = 2**60  # numbers in a tensor, whose bytes PyTorch counts in 63 bits


@dataclass
class _BlobPlan:
    """A blob as `Layer.add_blob` asked for it, until `Layer.materialize` fills it."""

    name: str
    filler: Filler


@dataclass(frozen=True)
class ClassLabels:
    """What the numbers in a bottom may be: whole ones from 0 to ``classes`` - 1, or one of ``ignored``."""

    bottom: int
    classes: int
    ignored: tuple[int, ...] = ()


class Layer(nn.Module):
    """What one layer computes.

    A subclass reads its parameters and creates its blobs in `setup`, and computes its tops in `forward`. Top
    shapes follow from running `forward` on the meta device; tensors that `forward` makes must therefore live
    on its bottoms' device.

    Attributes:
        spec: the layer's message.
        spans: where each of its fields stands in the text.
        num_tops: how many tops the text gives the layer.
        bottom_shapes: the bottoms' shapes, known before `setup` runs.
        class_labels: set by `setup` where a bottom holds labels or indices, which are then checked when they
            come from outside the net.
    """

    traits: ClassVar[Traits]

    exact: ClassVar[bool] = False
    """Whether it computes in float32 even where the rest of a net takes less. Losses always do."""

    exact_bottoms: ClassVar[tuple[int, ...]] = ()
    """The bottoms, by index, that such layers must make."""

    def __init__(self, spec: LayerParameter, spans: Spans, *, training: bool) -> None:
        super().__init__()
        self.spec = spec
        self.spans = spans
        self.num_tops = len(spec.top)  # a number, since torch.compile does not look into messages
        self.bottom_shapes: tuple[Shape, ...] = ()
        self.class_labels: ClassLabels | None = None
        self.blob_names: list[str] = []
        self._plans: list[_BlobPlan] = []
        self._views: dict[str, tuple[Layer, str, Shape]] = {}
        self.train(training)

    # What a subclass writes ---------------------------------------------------------------------------

    def setup(self, *shapes: Any) -> None:
        """Reads parameters, checks the bottoms' shapes, creates blobs. The default does nothing."""

    def forward(self, *bottoms: Any) -> Any:
        """The tops: a tensor where the layer has one top, else a tuple of as many as it has."""
        raise NotImplementedError

    # What a subclass uses -----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.spec.name

    def add_blob(
        self,
        shape: Sequence[int],
        filler: FillerParameter | None = None,
        *,
        name: str | None = None,
        learnable: bool = True,
    ) -> None:
        """Creates the layer's next blob, in Caffe's order, as the attribute ``name``.

        Args:
            shape: the blob's shape.
            filler: what it starts as; zeros without one.
            name: defaults to ``weight`` for the first blob, ``bias`` for the second.
            learnable: False for a running statistic: saved with the weights, never updated by the solver.

        Raises:
            NetError: the filler's type is unknown or does not fit the shape.
        """
        index = len(self.blob_names)
        name = name or (_BLOB_NAMES[index] if index < len(_BLOB_NAMES) else f"blob{index}")
        path = self._path_of(filler) if filler is not None else ()
        spans = self.spans.sub(*path) if path else self.spans
        filled = find_filler(filler if filler is not None else FillerParameter(), spans)
        if prod(shape) > _LARGEST:
            raise self.shape_error(f"a blob of {show_shape(shape)} is larger than any memory")
        values = torch.empty(tuple(shape), device="meta")
        self.register_parameter(name, nn.Parameter(values, requires_grad=learnable))
        self.blob_names.append(name)
        self._plans.append(_BlobPlan(name, filled))

    def error(self, message: str, *path: str | int, help: str | None = None) -> NetError:
        """An error about the layer, or about the field of it that ``path`` leads to."""
        return NetError.at(f"layer '{self.name}' ({self.spec.type}): {message}", self.span(*path), help=help)

    def shape_error(self, rule: str, *path: str | int, help: str | None = None) -> ShapeError:
        """An error that names the layer, its bottoms with their shapes, and the rule they break."""
        pairs = zip(self.spec.bottom, self.bottom_shapes, strict=False)
        bottoms = ", ".join(f"{name} {show_shape(shape)}" for name, shape in pairs)
        message = f"layer '{self.name}' ({self.spec.type}) on {bottoms}: {rule}"
        return ShapeError.at(message, self.span(*path), help=help)

    def span(self, *path: str | int) -> Span | None:
        """The place of a field of the layer; the layer's own where the text does not name the field."""
        return self.spans.at(*path) if path else self.spans.span

    def find_file(self, path: str, *field: str | int) -> Path:
        """A file or folder that the text names: against the working directory, then beside the text.

        Raises:
            NetError: neither exists.
        """
        return resolve(path, self.span(*field), f"layer '{self.name}' ({self.spec.type})")

    def axis(self, value: int, ndim: int, *path: str | int) -> int:
        """An axis counted from the front, of a blob with ``ndim`` axes; negative ones count from the end.

        Raises:
            ShapeError: the blob has no such axis.
        """
        if not -ndim <= value < ndim:
            raise self.shape_error(
                f"there is no axis {value} of a blob with {ndim} axes",
                *path,
                help="axes count from 0 at the front, or from -1 at the end",
            )
        return value % ndim

    # What the graph and the compiler use ----------------------------------------------------------------

    @property
    def blobs(self) -> list[nn.Parameter]:
        """The blobs in Caffe's order, learnable or not."""
        return [getattr(self, name) for name in self.blob_names]

    @property
    def is_identity(self) -> bool:
        """Whether each top is the first bottom itself, in the layer's phase."""
        return False

    def channel_map(self) -> ChannelMap | None:
        """The factor (C) and the term (C) if the layer, as it stands, multiplies each channel of axis 1 by
        the one and adds the other, and does nothing else."""
        return None

    def parameter(self, name: str) -> nn.Parameter:
        """The parameter that a blob is, or is a view of: maybe another layer's."""
        if name in self._views:
            owner, theirs, _ = self._views[name]
            return owner.parameter(theirs)
        found: nn.Parameter = getattr(self, name)
        return found

    def refit(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Sets the layer up anew for bottoms of other shapes, and gives the top shapes; its blobs stay.

        Raises:
            NetError: the shapes do not fit the layer, or its blobs do not fit them.
        """
        cls = find_layer(self.spec.type)
        assert cls is not None
        twin = cls(self.spec, self.spans, training=self.training)
        tops = twin.build(shapes)
        for mine, other in zip(self.blobs, twin.blobs, strict=True):
            if mine.shape != other.shape:
                have, need = show_shape(mine.shape), show_shape(other.shape)
                raise twin.shape_error(f"they need a blob of {need}, where the layer has one of {have}")
        device = next((held.device for held in chain(self.parameters(), self.buffers())), torch.device("cpu"))
        for name, value in vars(twin).items():
            if name not in _OWN:
                setattr(self, name, value)
        for name, buffer in twin.named_buffers(recurse=False):
            setattr(self, name, buffer.to(device))
        for name, module in twin.named_children():
            setattr(self, name, module.to(device))
        return tops

    def build(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Checks arity, sets up, and gives the top shapes for these bottom shapes.

        Raises:
            NetError: the number of bottoms or tops, a parameter or a shape does not fit.
        """
        self.bottom_shapes = tuple(shapes)
        self._check_arity("bottom", len(self.spec.bottom), self.traits.bottoms)
        tops = len(self.spec.bottom) if self.traits.tops == "bottoms" else self.traits.tops
        self._check_arity("top", self.num_tops, tops)
        for index, shape in enumerate(shapes):
            if 0 in shape:
                raise self.shape_error("a bottom has an axis of length 0", "bottom", index)
        self.setup(*shapes)
        return self.top_shapes(*shapes)

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        """The top shapes, by a dry run on the meta device."""
        buffers = dict(self._buffers)
        for name, buffer in buffers.items():
            self._buffers[name] = None if buffer is None else buffer.to("meta")
        if any(prod(shape) > _LARGEST for shape in shapes):
            raise self.shape_error("a bottom is larger than any memory")
        try:
            with torch.no_grad():
                tops = self(*(torch.empty(shape, device="meta") for shape in shapes))
        except (RuntimeError, IndexError, ValueError) as error:
            raise self.shape_error(str(error).partition("\n")[0]) from error
        finally:
            self._buffers.update(buffers)
        return [tuple(top.shape) for top in as_tuple(tops)]

    def check_labels(self, labels: Tensor) -> None:
        """Holds numbers for the bottom of `class_labels`, on the CPU, against what it allows.

        Raises:
            ShapeError: one is no class; the message names it.
        """
        allowed = self.class_labels
        if allowed is None or not labels.numel():
            return
        known = labels
        for label in allowed.ignored:
            known = known.where(known != label, 0)
        least, most = known.aminmax()
        if least >= 0 and most < allowed.classes:  # quick, for there may be a label per pixel
            return
        values = known.long()  # a label's whole part counts
        wrong = (values < 0) | (values >= allowed.classes)
        if wrong.any():
            rule = f"expected labels from 0 to {allowed.classes - 1}, found {known[wrong][0].item():.10g}"
            raise self.shape_error(rule, "bottom", allowed.bottom, help="there are as many labels as classes")

    def materialize(self, device: torch.device, generator: torch.Generator) -> None:
        """Gives the blobs that still lie on the meta device memory and their fillers' numbers.

        Raises:
            NetError: a filler cannot fill its blob (a file that is missing or too short).
        """
        for plan in self._plans:
            blob = getattr(self, plan.name)
            if blob.is_meta and device.type != "meta":
                values = plan.filler(tuple(blob.shape), generator).to(device)
                setattr(self, plan.name, nn.Parameter(values, requires_grad=blob.requires_grad))
        for name, buffer in self._buffers.items():
            self._buffers[name] = None if buffer is None else buffer.to(device)

    def adopt(self, name: str, owner: Layer, owner_name: str) -> None:
        """Uses a blob of another layer as this layer's ``name``: the very same one where the shapes agree, a
        view of it (``share_mode: PERMISSIVE``) where only the counts do."""
        if name in self._views:  # it follows its owner already
            return
        shape = tuple(getattr(self, name).shape)
        theirs = getattr(owner, owner_name)
        if isinstance(theirs, nn.Parameter) and theirs.shape == shape:
            setattr(self, name, theirs)
            return
        # The view is taken anew at each use, through the instance: one kept from the start would not follow
        # its base to a device, nor into a copy of the net.
        del self._parameters[name]
        self._views[name] = (owner, owner_name, shape)
        view = property(lambda layer: layer._view(name))
        self.__class__ = type(type(self).__name__, (type(self),), {name: view})

    # --------------------------------------------------------------------------------------------------

    def _view(self, name: str) -> Tensor:
        owner, owner_name, shape = self._views[name]
        blob: Tensor = getattr(owner, owner_name)
        return blob.view(shape)

    def _check_arity(self, side: str, count: int, arity: Arity) -> None:
        least, most = (arity, arity) if isinstance(arity, int) else arity
        if count >= least and (most is None or count <= most):
            return
        if most is None:
            wanted = f"at least {least}"
        else:
            wanted = str(least) if least == most else f"{least} to {most}"
        # The first blob too many is the place to look at; one too few has no place but the layer's.
        path = (side, most) if most is not None and count > most else ()
        raise self.error(f"takes {wanted} {side}{'' if wanted == '1' else 's'}, not {count}", *path)

    def _path_of(self, filler: FillerParameter) -> tuple[str, ...]:
        for field, message in self.spec.ListFields():
            if field.name.endswith("_param"):
                for inner, value in message.ListFields():
                    if value is filler:
                        return (field.name, inner.name)
        return ()


# What a layer keeps when it is set up anew.
_OWN = {*vars(nn.Module()), "spec", "spans", "blob_names", "_plans", "_views"}


class SourceLayer(Layer):
    """A layer without bottoms whose tops come from outside the graph: fed by the caller, or drawn."""

    def forward(self) -> Any:
        raise AssertionError("the tops of a source layer are inputs of the graph")


class DataLayer(SourceLayer):
    """A source layer that draws its own batches."""

    @property
    def ahead(self) -> int:
        """How many batches are drawn before they are asked for, at least 1."""
        return 4

    @property
    def workers(self) -> int | None:
        """How many threads draw them; None for as many as are sensible on this machine."""
        return None

    @property
    def varying(self) -> frozenset[int]:
        """The tops, by index, whose shape changes from batch to batch beyond the first axis."""
        return frozenset()

    @property
    def share(self) -> Share:
        """What of the data this process reads: all of it, unless it trains together with others.

        As in Caffe, a test sees all the data, whichever process runs it.

        Raises:
            DataError: the environment names a rank that cannot be.
        """
        return current_share() if self.training else Share()

    def stream(self, seed: int) -> Stream:
        """The layer's batches, those of its `share`, in an order that follows from ``seed`` alone.

        Raises:
            DataError: the source is missing, empty or broken.
        """
        raise NotImplementedError


def as_tuple(tops: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    """A layer's result as a tuple of tops."""
    return (tops,) if isinstance(tops, Tensor) else tuple(tops)


def show_shape(shape: Sequence[int]) -> str:
    """A shape as people write it: 64x1x28x28."""
    return "x".join(map(str, shape)) if shape else "scalar"
