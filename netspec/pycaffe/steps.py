"""What a net does at each of its layers: one step forward, one step back, on the net's blobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from netspec.data.feed import Feed
from netspec.errors import ShapeError
from netspec.graph.graph import Node
from netspec.layers.base import DataLayer, Layer, SourceLayer, show_shape
from netspec.layers.dummy_data import DummyData
from netspec.layers.python import PythonLayer
from netspec.pycaffe.blob import Blob, BlobVec
from netspec.pycaffe.memory import Memory, Shape
from netspec.pycaffe.needs import Need


class Step:
    """A layer at its place in the net; this one does nothing, as an Input layer.

    Attributes:
        name: the layer's.
        layer: what computes.
        bottoms: the blobs it reads.
        tops: the blobs it makes.
        params: its own blobs.
        runs_back: whether it takes part in a backward pass.
        wanted: for each bottom, whether it gets a gradient.
        loss_weights: of each top.
    """

    def __init__(
        self, node: Node, need: Need, bottoms: Sequence[Blob], tops: Sequence[Blob], params: BlobVec
    ) -> None:
        self.name = node.layer.name
        self.key = node.key
        self.layer = node.layer
        self.bottoms, self.tops, self.params = BlobVec(bottoms), BlobVec(tops), params
        self.runs_back, self.wanted = need.layer, need.bottoms
        self.loss_weights = node.loss_weights
        self.seed_losses()

    def forward(self) -> None:
        """Reads the bottoms' values and writes the tops'."""

    def backward(self) -> None:
        """Reads the tops' gradients, writes the bottoms' and adds to those of the layer's own blobs."""

    def reshape(self) -> None:
        """Gives the tops the shapes that follow from the bottoms'."""

    def seed_losses(self) -> None:
        """Puts the loss weights where a backward pass starts from."""
        for top, weight in zip(self.tops, self.loss_weights, strict=True):
            if weight:
                memory = top.diff_memory
                memory.put(torch.full(top._shape, float(weight), device=memory.device))

    def loss(self) -> float:
        """The layer's part of the net's loss: its tops times the weights in their gradients."""
        total = 0.0
        for top, weight in zip(self.tops, self.loss_weights, strict=True):
            if weight:
                total += float((top.read().detach() * top.diff_memory.read(top._shape)).sum())
        return total


class DataStep(Step):
    """Draws the tops."""

    def __init__(
        self, node: Node, need: Need, bottoms: Sequence[Blob], tops: Sequence[Blob], params: BlobVec
    ) -> None:
        super().__init__(node, need, bottoms, tops, params)
        self._kept = [False] * len(tops)
        if isinstance(node.layer, DummyData):
            self._fill_constants(node.layer)

    def _fill_constants(self, layer: DummyData) -> None:
        """Constant tops are filled once: what a script writes to them stays."""
        types = [filler.type for filler in layer.spec.dummy_data_param.data_filler] or ["constant"]
        types = types * len(self.tops) if len(types) == 1 else types
        self._kept = [type == "constant" for type in types]
        for top, kept, value in zip(self.tops, self._kept, layer.stream(0).batch(0), strict=True):
            if kept:
                top.write(value.to(top.data_memory.device, copy=True))

    feed: Feed

    def forward(self) -> None:
        for top, kept, value in zip(self.tops, self._kept, self.feed.next(), strict=True):
            if not kept:
                top.write(value.to(top.data_memory.device))


class LayerStep(Step):
    """Runs a layer and differentiates it, cut off from its neighbours."""

    layer: Layer

    def __init__(
        self, node: Node, need: Need, bottoms: Sequence[Blob], tops: Sequence[Blob], params: BlobVec
    ) -> None:
        super().__init__(node, need, bottoms, tops, params)
        in_place = [any(bottom is top for top in tops) for bottom in bottoms]
        self._sides = list(zip(bottoms, self.wanted, in_place, strict=True))
        self._shapes = [blob._shape for blob in bottoms]
        self._aliased: list[bool] = []  # unknown before the first pass
        self._leaves: list[Tensor] = []
        self._made: Sequence[Tensor] | None = None
        labels = node.layer.class_labels
        self._labels = labels.bottom if labels is not None else None
        self.adopt()

    def adopt(self) -> None:
        """Notes which parameters the layer has by now."""
        layer = self.layer
        memories: dict[nn.Parameter, Memory] = {}
        for name, blob in zip(layer.blob_names, self.params, strict=True):
            memories.setdefault(layer.parameter(name), blob.diff_memory)
        self._learned = [(root, memory) for root, memory in memories.items() if root.requires_grad]

    # This is where a net's time goes beyond its layers' own: what looks clumsy here is quick.
    def forward(self) -> None:
        made = self._compute()
        if not self._aliased:
            self._aliased = self._find_aliased(made)
        for index, top in enumerate(self.tops):
            value = made[index]
            if self._aliased[index]:
                value = value.detach().clone(memory_format=torch.contiguous_format)
            top.data_memory.put(value)
            if top._shape != value.shape:
                top._shape = value.shape
                self.seed_losses()

    def _compute(self) -> Sequence[Tensor]:
        leaves, shapes = [], []
        for blob, wanted, in_place in self._sides:
            x = blob.read()
            shapes.append(blob._shape)
            if wanted:
                x = x.detach().requires_grad_()
            elif x.requires_grad:
                x = x.detach()
            if in_place and blob.data_memory.is_seen:
                x = x.clone()  # the top goes where a script looks, and x may be needed on the way back
            leaves.append(x)
        if shapes != self._shapes:
            self._fit()
        if self._labels is not None and leaves[self._labels].device.type == "cpu":
            self.layer.check_labels(leaves[self._labels])
        made = self.layer.forward(*leaves)
        self._leaves = leaves
        self._made = (made,) if isinstance(made, Tensor) else made
        return self._made

    def _find_aliased(self, made: Sequence[Tensor]) -> list[bool]:
        """Which tops lie in the memory of a bottom or of another top."""
        taken = {leaf.untyped_storage().data_ptr() for leaf in self._leaves}
        taken |= {blob.untyped_storage().data_ptr() for blob in self.layer.blobs}
        found = []
        for value in made:
            place = value.untyped_storage().data_ptr()
            found.append(place in taken)
            taken.add(place)
        return found

    def _fit(self) -> None:
        shapes = [blob._shape for blob in self.bottoms]
        # Layers take any first axis as it comes.
        if [shape[1:] for shape in shapes] != [shape[1:] for shape in self._shapes]:
            self.layer.refit(shapes)
        self._shapes, self._aliased = shapes, []

    def reshape(self) -> None:
        shapes = [blob._shape for blob in self.bottoms]
        if shapes == self._shapes:
            return
        tops = self.layer.refit(shapes)
        self._shapes, self._aliased = shapes, []
        for top, shape in zip(self.tops, tops, strict=True):
            top.reshape(*shape)
        self.seed_losses()

    def backward(self) -> None:
        made = self._made if self._made is not None else self._compute()
        pairs = [(value, top) for value, top in zip(made, self.tops, strict=True) if value.requires_grad]
        leaves = [leaf for leaf, wanted in zip(self._leaves, self.wanted, strict=True) if wanted]
        inputs = [*leaves, *(root for root, _ in self._learned)]
        if not pairs or not inputs:
            return
        above = [self._gradient(value, top) for value, top in pairs]
        found = torch.autograd.grad(
            [value for value, _ in pairs], inputs, above, retain_graph=True, allow_unused=True
        )
        self._spread(found, above)

    def _gradient(self, value: Tensor, top: Blob) -> Tensor:
        if top._shape != value.shape:
            rule = f"top '{self.layer.spec.top[self.tops.index(top)]}' was {show_shape(value.shape)} in the "
            raise ShapeError.at(
                f"{rule}forward pass, and is {show_shape(top._shape)} by now", self.layer.span()
            )
        return top.diff_memory.read(top._shape)

    def _spread(self, found: Sequence[Tensor | None], above: Sequence[Tensor]) -> None:
        taken = {gradient.untyped_storage().data_ptr() for gradient in above}
        wanted = [bottom for bottom, wanted in zip(self.bottoms, self.wanted, strict=True) if wanted]
        for index, gradient in enumerate(found):
            own = gradient
            if gradient is not None:
                place = gradient.untyped_storage().data_ptr()
                own = gradient.clone() if place in taken else gradient
                taken.add(place)
            if index >= len(wanted):
                if own is not None:
                    self._learned[index - len(wanted)][1].add(own.contiguous())
            elif own is None:
                wanted[index].diff_memory.clear()
            else:
                wanted[index].diff_memory.put(own)


class SplitStep(Step):
    """Tops that are their bottom, with gradients of their own."""

    def forward(self) -> None:
        self.reshape()

    def reshape(self) -> None:
        for top in self.tops:
            top._shape = self.bottoms[0]._shape

    def backward(self) -> None:
        if self.wanted[0]:
            first, *others = (top.diff_memory.read(top._shape) for top in self.tops)
            total = first.clone()
            for gradient in others:
                total += gradient
            self.bottoms[0].diff_memory.put(total)


class ViewStep(Step):
    """A top that is its bottom in another shape, its gradient too."""

    def __init__(
        self, node: Node, need: Need, bottoms: Sequence[Blob], tops: Sequence[Blob], params: BlobVec
    ) -> None:
        super().__init__(node, need, bottoms, tops, params)
        self._shape = bottoms[0]._shape

    def forward(self) -> None:
        if self.bottoms[0]._shape != self._shape:
            self.reshape()

    def reshape(self) -> None:
        self._shape = self.bottoms[0]._shape
        (self.tops[0]._shape,) = self.layer.refit([self._shape])


class PythonStep(Step):
    """Calls the methods of a user's object on the net's blobs themselves."""

    layer: PythonLayer

    def __init__(
        self, node: Node, need: Need, bottoms: Sequence[Blob], tops: Sequence[Blob], params: BlobVec
    ) -> None:
        super().__init__(node, need, bottoms, tops, params)
        left = self.layer.hand_over(self.bottoms, self.tops, params)
        for top, array in zip(tops, left, strict=True):
            if not any(top is bottom for bottom in bottoms):
                top.data_memory.put(torch.from_numpy(array).to(top.data_memory.device))

    @property
    def user(self) -> Any:
        """The object of the user's class."""
        return self.layer.user

    def reshape(self) -> None:
        shapes = [top._shape for top in self.tops]
        self.user.reshape(self.bottoms, self.tops)
        if [top._shape for top in self.tops] != shapes:
            self.seed_losses()

    def forward(self) -> None:
        self.reshape()
        self.user.forward(self.bottoms, self.tops)

    def backward(self) -> None:
        self.user.backward(self.tops, self.wanted, self.bottoms)


def step_class(layer: Layer) -> type[Step]:
    """The kind of step that a layer takes."""
    if isinstance(layer, PythonLayer):
        return PythonStep
    if isinstance(layer, SourceLayer):
        return DataStep if isinstance(layer, DataLayer) else Step
    return _SHARING.get(layer.spec.type, LayerStep)


# Layers whose tops lie in their bottom's memory, as in Caffe.
_SHARING: dict[str, type[Step]] = {"Split": SplitStep, "Flatten": ViewStep, "Reshape": ViewStep}


def shared_memories(step: type[Step], bottom: Blob, shape: Shape) -> Blob | None:
    """The top of a layer that shares its bottom's memory; None for all other layers."""
    device = bottom.data_memory.device
    if step is SplitStep:
        return Blob(shape, bottom.data_memory, Memory(device))
    return Blob(shape, bottom.data_memory, bottom.diff_memory) if step is ViewStep else None
