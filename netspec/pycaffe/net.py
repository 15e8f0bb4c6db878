"""`Net`: a compiled net with pycaffe's interface, run layer by layer on blobs that scripts read and write."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netspec.compiler import net as compiler
from netspec.graph.build import load_net, net_state
from netspec.graph.graph import Node, Param
from netspec.layers.memory_data import MemoryData
from netspec.layers.python import PythonLayer, plain_errors
from netspec.layers.python_blobs import Layer
from netspec.passes.state_filter import filter_state
from netspec.passes.upgrade import upgrade_net
from netspec.pycaffe import modes
from netspec.pycaffe.blob import Blob, BlobVec
from netspec.pycaffe.install import install_unless_real
from netspec.pycaffe.memory import Array, Memory, begin_pass, end_pass, memory_of
from netspec.pycaffe.needs import needs
from netspec.pycaffe.process import warn
from netspec.pycaffe.runtime_errors import require_file, runtime_errors
from netspec.pycaffe.splits import insert_splits
from netspec.pycaffe.steps import DataStep, LayerStep, PythonStep, Step, shared_memories, step_class
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter, NetState
from netspec.weights.caffemodel import write_caffemodel
from netspec.weights.hdf5 import write_layers
from netspec.weights.loading import layers_of, load_into

Arrays = dict[str, Array]
Callback = Callable[[int], Any]
FilePath = str | PathLike[str]

_OPTIONS = ("phase", "level", "stages", "weights")


class NetLayer(Layer):
    """A layer of a net: its ``type``, and its own ``blobs``."""

    def __init__(self, step: Step) -> None:
        self.type = step.layer.spec.type
        self.blobs = step.params  # type: ignore[assignment]
        self._step = step

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Does nothing: the net has set the layer up."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Gives the tops the shapes that follow from the bottoms'."""
        self._step.reshape()


class Net:
    """A net in one phase, to be run forward and backward in whole or in parts.

    ``Net(file, phase)``, ``Net(file, phase, level=0, stages=None, weights=None)``, or, as of old,
    ``Net(file, weights, phase)``. Layers of type Python run without further permission.

    Attributes:
        blobs: the blobs by name, in the order in which they are made.
        params: each layer's own blobs, by the layer's name.
        layers: the layers in order; in the place of one of type Python the user's object.
        layer_dict: the layers by name.
        blob_loss_weights: what each blob's sum counts in the loss.
        inputs: names of the blobs that the caller fills.
        outputs: names of the blobs that no layer reads.
        top_names: for each layer the names of its tops.
        bottom_names: for each layer the names of its bottoms.

    Raises:
        RuntimeError: a file is missing, or wrong: then with netspec's diagnostics.
        TypeError: the arguments are none of the above.
    """

    blobs: OrderedDict[str, Blob]
    params: OrderedDict[str, BlobVec]
    layers: list[Layer]
    layer_dict: OrderedDict[str, Layer]
    blob_loss_weights: OrderedDict[str, float]
    inputs: list[str]
    outputs: list[str]
    top_names: OrderedDict[str, list[str]]
    bottom_names: OrderedDict[str, list[str]]

    def __init__(self, network_file: FilePath, *args: Any, **options: Any) -> None:
        phase, level, stages, weights = _options(args, options)
        require_file(network_file)
        if weights is not None:
            require_file(weights)
        with runtime_errors():
            document = load_net(network_file)
            state = net_state(document, phase, stages, level)
            document = prepared(document, state)
            with building([document]):
                compiled = compiler.compile_net(
                    document,
                    phase=phase,
                    stages=stages,
                    level=level,
                    device=modes.device(),
                    allow_python_layers=True,
                )
            self._take(compiled)
        if weights is not None:
            self.copy_from(weights)

    @classmethod
    def of(cls, compiled: compiler.Net) -> Net:
        """A net that is compiled already, from a document that was `prepared`."""
        net = cls.__new__(cls)
        net._take(compiled)
        return net

    # Making ---------------------------------------------------------------------------------------------

    def _take(self, compiled: compiler.Net) -> None:
        graph = compiled.graph
        self._compiled = compiled
        self._device = compiled.device
        if graph.force_backward:
            compiled.requires_grad_(True)
        self.blobs = OrderedDict()
        self._steps = list(self._make_steps())
        # Without a backward pass to come, nothing needs to be kept for it.
        self._differentiable = any(step.runs_back for step in self._steps)
        names = [step.name for step in self._steps]
        nodes = graph.nodes
        self.layers = [step.user if isinstance(step, PythonStep) else NetLayer(step) for step in self._steps]
        self.layer_dict = OrderedDict(zip(names, self.layers, strict=True))
        self.params = OrderedDict((step.name, step.params) for step in self._steps if step.params)
        weights = compiled.loss_weights
        self.blob_loss_weights = OrderedDict((name, weights.get(name, 0.0)) for name in self.blobs)
        self.inputs, self.outputs = compiled.inputs, compiled.outputs
        self.top_names = OrderedDict((node.layer.name, [top.name for top in node.tops]) for node in nodes)
        self.bottom_names = OrderedDict(
            (node.layer.name, [bottom.name for bottom in node.bottoms]) for node in nodes
        )
        self._callbacks: dict[str, list[Callback]] = {}

    def _make_steps(self) -> Iterator[Step]:
        graph, device = self._compiled.graph, self._device
        own: dict[Node, list[Param]] = {}
        for param in graph.params:
            own.setdefault(param.node, []).append(param)
        self._diffs: dict[Param, Memory] = {}
        for node, need in zip(graph.nodes, needs(graph), strict=True):
            cls = step_class(node.layer)
            bottoms = [self.blobs[blob.name] for blob in node.bottoms]
            for top in node.tops:
                if top.name not in self.blobs:
                    shared = shared_memories(cls, bottoms[0], top.shape) if bottoms else None
                    self.blobs[top.name] = shared or Blob(top.shape, Memory(device), Memory(device))
            tops = [self.blobs[top.name] for top in node.tops]
            step = cls(node, need, bottoms, tops, BlobVec(map(self._param, own.get(node, []))))
            if isinstance(step, DataStep):
                step.feed = self._compiled.data[node.key]
            yield step

    def _param(self, param: Param) -> Blob:
        layer, name = param.node.layer, param.node.layer.blob_names[param.index]
        home = layer.user.blobs[param.index].data if isinstance(layer, PythonLayer) else None
        memory = memory_of(layer.parameter(name), home)
        diff = self._diffs.setdefault(param.owner or param, Memory(self._device))
        return Blob(tuple(layer.blobs[param.index].shape), memory, diff)

    def _adopt(self) -> None:
        """Lets the params be those that the compiled net has by now."""
        for step in self._steps:
            for name, blob in zip(step.layer.blob_names, step.params, strict=True):
                blob.data_memory = memory_of(step.layer.parameter(name))
            if isinstance(step, LayerStep):
                step.adopt()

    # Running --------------------------------------------------------------------------------------------

    def forward(
        self,
        blobs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **kwargs: Any,
    ) -> Arrays:
        """Runs the layers from ``start`` to ``end``, both included; without them from the first, to the last.

        Args:
            blobs: names of blobs to return besides the outputs.
            start: name of the layer to start at; what it reads is what the blobs hold.
            end: name of the layer to stop at; its tops are then returned, not the net's outputs.
            kwargs: an array for each of the net's inputs, to be put into them.

        Raises:
            ValueError: there is no such layer, or an array does not fit its blob.
            KeyError: there is no such blob.
            RuntimeError: a layer cannot compute what its bottoms hold by now.
            Exception: the names in ``kwargs`` are not those of the inputs, or a first axis does not fit.
        """
        first = 0 if start is None else self._layer_names.index(start)
        last = len(self._steps) - 1 if end is None else self._layer_names.index(end)
        names = self.outputs if end is None else self.top_names[end]
        if kwargs:
            self._fill("data", kwargs, self.inputs)
        self._run_forward(first, last)
        return {name: self.blobs[name].data for name in (*names, *(blobs or ()))}

    def backward(
        self,
        diffs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **kwargs: Any,
    ) -> Arrays:
        """Runs the layers backward from ``start`` to ``end``, both included; without them from the last, to
        the first. The gradients of params add up until `clear_param_diffs`.

        Args:
            diffs: names of blobs whose gradients to return besides those of the inputs.
            start: name of the layer to start at, from the gradients of its tops.
            end: name of the layer to stop at; its bottoms' gradients are then returned, not the inputs'.
            kwargs: an array for each of the net's outputs, to be put into their gradients.

        Raises:
            ValueError: there is no such layer, or an array does not fit its blob.
            KeyError: there is no such blob.
            Exception: the names in ``kwargs`` are not those of the outputs, or a first axis does not fit.
        """
        first = len(self._steps) - 1 if start is None else self._layer_names.index(start)
        last = 0 if end is None else self._layer_names.index(end)
        names = self.inputs if end is None else self.bottom_names[end]
        if kwargs:
            self._fill("diff", kwargs, self.outputs)
        self._run_backward(first, last)
        return {name: self.blobs[name].diff for name in (*names, *(diffs or ()))}

    def _fill(self, side: str, arrays: dict[str, Any], names: Sequence[str]) -> None:
        which = "inputs" if side == "data" else "outputs"
        if arrays.keys() != set(names):
            given = ", ".join(arrays)
            raise Exception(
                f"arrays for {given} are not arrays for the net's {which}: {', '.join(names) or 'none'}"
            )
        for name, array in arrays.items():
            items, batch = array.shape[0], self.blobs[name].shape[0]
            if items != batch:
                raise Exception(f"the array for '{name}' has {items} items, where the batch has {batch}")
            getattr(self.blobs[name], side)[...] = array

    def run(self) -> dict[str, Tensor]:
        """A forward pass; the outputs and losses as tensors."""
        self._run_forward(0, len(self._steps) - 1)
        names = (*self.outputs, *self._compiled.loss_weights)
        return {name: self.blobs[name].read().detach() for name in names}

    def run_back(self) -> None:
        """A backward pass."""
        self._run_backward(len(self._steps) - 1, 0)

    def _forward(self, start: int, end: int) -> float:
        """Runs the layers of these numbers, and gives the sum of their losses."""
        self._require_range(start, end)
        self._run_forward(start, end)
        return sum(step.loss() for step in self._steps[start : end + 1])

    def _backward(self, start: int, end: int) -> None:
        """Runs the layers of these numbers backward."""
        self._require_range(end, start)
        self._run_backward(start, end)

    def _require_range(self, least: int, most: int) -> None:
        if least < 0 or most >= len(self._steps):
            raise IndexError(f"the net has layers 0 to {len(self._steps) - 1}, not {least} to {most}")

    def _run_forward(self, start: int, end: int) -> None:
        steps = self._steps[start : end + 1]
        with self.running(), torch.set_grad_enabled(self._differentiable):
            if not self._callbacks:
                for step in steps:
                    step.forward()
                return
            for number, step in enumerate(steps, start):
                self._call("before_forward", number)
                step.forward()
                self._call("after_forward", number)

    def _run_backward(self, start: int, end: int) -> None:
        with self.running(), torch.enable_grad():
            for number in range(start, end - 1, -1):
                self._call("before_backward", number)
                if self._steps[number].runs_back:
                    self._steps[number].backward()
                self._call("after_backward", number)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Around all that reads or writes tensors: there, and back to the arrays that scripts have. What
        netspec raises is a RuntimeError too."""
        with runtime_errors():
            self.follow_device()
            begin_pass()
            try:
                yield
            finally:
                end_pass()

    def _call(self, event: str, number: int) -> None:
        for callback in self._callbacks.get(event, ()):
            callback(number)

    def before_forward(self, callback: Callback) -> None:
        """Calls a function with each layer's number before the layer runs."""
        self._callbacks.setdefault("before_forward", []).append(callback)

    def after_forward(self, callback: Callback) -> None:
        """Calls a function with each layer's number after the layer ran."""
        self._callbacks.setdefault("after_forward", []).append(callback)

    def before_backward(self, callback: Callback) -> None:
        """Calls a function with each layer's number before the layer runs backward."""
        self._callbacks.setdefault("before_backward", []).append(callback)

    def after_backward(self, callback: Callback) -> None:
        """Calls a function, or a `NCCL`, with each layer's number after the layer ran backward."""
        self._callbacks.setdefault("after_backward", []).append(callback)

    # Running over many items ------------------------------------------------------------------------------

    def forward_all(self, blobs: Sequence[str] | None = None, **kwargs: Any) -> Arrays:
        """Runs forward over any number of items, a batch after the other.

        Args:
            blobs: names of blobs to return besides the outputs.
            kwargs: an array for each of the net's inputs.

        Returns:
            For each blob its values for all items, put together.
        """
        found: dict[str, list[Array]] = {name: [] for name in (*self.outputs, *(blobs or ()))}
        for batch in self._batch(kwargs):
            for name, array in self.forward(blobs=blobs, **batch).items():
                found[name].append(array.copy())
        return _together(found, len(next(iter(kwargs.values()))))

    def forward_backward_all(
        self, blobs: Sequence[str] | None = None, diffs: Sequence[str] | None = None, **kwargs: Any
    ) -> tuple[Arrays, Arrays]:
        """Runs forward and backward over any number of items, a batch after the other.

        Args:
            blobs: names of blobs to return besides the outputs.
            diffs: names of blobs whose gradients to return besides those of the inputs.
            kwargs: arrays for the net's inputs, and for its outputs' gradients, or for none of either.

        Returns:
            The values and the gradients for all items, put together.
        """
        values: dict[str, list[Array]] = {name: [] for name in (*self.outputs, *(blobs or ()))}
        gradients: dict[str, list[Array]] = {name: [] for name in (*self.inputs, *(diffs or ()))}
        nothing: dict[str, Any] = {}
        ahead = self._batch({name: kwargs[name] for name in self.inputs if name in kwargs})
        back = self._batch({name: kwargs[name] for name in self.outputs if name in kwargs})
        for fed, seeded in zip_longest(ahead, back, fillvalue=nothing):
            for name, array in self.forward(blobs=blobs, **fed).items():
                values[name].append(array.copy())
            for name, array in self.backward(diffs=diffs, **seeded).items():
                gradients[name].append(array.copy())
        count = len(next(iter(kwargs.values())))
        return _together(values, count), _together(gradients, count)

    def _batch(self, blobs: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Arrays in pieces of the batch size, the last one filled up with zeros."""
        if not blobs:
            return
        count, size = len(next(iter(blobs.values()))), next(iter(self.blobs.values())).shape[0]
        for first in range(0, count, size):
            batch = {name: array[first : first + size] for name, array in blobs.items()}
            missing = size - min(size, count - first)
            if missing:
                batch = {
                    name: np.concatenate([array, np.zeros((missing, *np.shape(array)[1:]))])
                    for name, array in batch.items()
                }
            yield batch

    # Shapes and data ------------------------------------------------------------------------------------

    def reshape(self) -> None:
        """Lets all blobs have the shapes that follow from those of the inputs.

        Raises:
            RuntimeError: a layer cannot take its bottoms' shapes.
        """
        with self.running(), torch.no_grad():
            for step in self._steps:
                step.reshape()

    def set_input_arrays(self, data: Any, labels: Any) -> None:
        """Hands over images and labels to the net's first layer, of type MemoryData; see `_set_input_arrays`.
        Labels may come with one axis."""
        if labels.ndim == 1:
            labels = np.ascontiguousarray(labels[:, np.newaxis, np.newaxis, np.newaxis])
        self._set_input_arrays(data, labels)

    def _set_input_arrays(self, data: Any, labels: Any) -> None:
        """Hands over images (M, C, H, W) and labels (M, 1, 1, 1), C-contiguous, in float32.

        Raises:
            RuntimeError: the first layer is none of type MemoryData, or the arrays are not as it wants them.
        """
        layer = self._steps[0].layer if self._steps else None
        if not isinstance(layer, MemoryData):
            raise RuntimeError("the first layer of the net takes no arrays: it is not of type MemoryData")
        _, *sides = layer.top_shapes()[0]
        _check_array("data", data, sides)
        _check_array("labels", labels, [1, 1, 1])
        if len(data) != len(labels):
            raise RuntimeError(f"there are {len(data)} images, but {len(labels)} labels")
        with runtime_errors():
            layer.reset(data, labels)

    # Params ---------------------------------------------------------------------------------------------

    def copy_from(self, path: FilePath) -> None:
        """Copies a file's blobs into the layers of the same names; those that it lacks stay as they are.

        Raises:
            RuntimeError: the file is missing or broken, or a layer has blobs of other shapes in it.
        """
        require_file(path)
        with self.changing_params():
            report = load_into(self._compiled, path, allow_strangers=True)
        if report.missing and not report.loaded:
            warn(f"{path} has no layer in common with the net: its params stay as they are")

    def load_hdf5(self, path: FilePath) -> None:
        """As `copy_from`, which looks into the file for its format."""
        self.copy_from(path)

    def share_with(self, other: Net) -> None:
        """Uses the values of another net's params, in layers of the same names; gradients stay apart.

        Raises:
            RuntimeError: two layers of one name have blobs of different shapes.
        """
        with self.running():
            self._compiled.share_weights_with(other._compiled)
        self._adopt()

    def save(self, path: FilePath) -> None:
        """Writes the params as a ``.caffemodel``."""
        with self.running():
            write_caffemodel(path, layers_of(self._compiled), self._compiled.graph.name)

    def save_hdf5(self, path: FilePath) -> None:
        """Writes the params as a ``.caffemodel.h5``."""
        with self.running():
            write_layers(Path(path), layers_of(self._compiled))

    def clear_param_diffs(self) -> None:
        """Makes the gradients of all params zero."""
        with self.running():
            for memory in self._diffs.values():
                memory.clear()

    @contextmanager
    def changing_params(self) -> Iterator[None]:
        """Around all that changes params in their tensors."""
        with self.running():
            yield
            for step in self._steps:
                for blob in step.params:
                    blob.data_memory.head = "device"

    def gradients(self) -> list[tuple[nn.Parameter, Memory]]:
        """The params' tensors, each once, with the memory of the gradient."""
        return [
            (param.node.layer.parameter(param.node.layer.blob_names[param.index]), memory)
            for param, memory in self._diffs.items()
        ]

    def follow_device(self) -> None:
        """Goes on where nets compute by now."""
        device = modes.device()
        if self._device == device:
            return
        self._device = device
        self._compiled.to(device)
        blobs = [*self.blobs.values(), *(blob for step in self._steps for blob in step.params)]
        for memory in {side for blob in blobs for side in (blob.data_memory, blob.diff_memory)}:
            memory.move(device)
        self._adopt()

    # What pycaffe's own Python half is made of ------------------------------------------------------------

    @property
    def _layer_names(self) -> list[str]:
        return [step.name for step in self._steps]

    @property
    def _blob_names(self) -> list[str]:
        return list(self.blobs)

    @property
    def _blobs(self) -> list[Blob]:
        return list(self.blobs.values())

    @property
    def _blob_loss_weights(self) -> list[float]:
        return list(self.blob_loss_weights.values())

    @property
    def _inputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self.inputs]

    @property
    def _outputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self.outputs]

    def _top_ids(self, number: int) -> list[int]:
        return [self._blobs.index(blob) for blob in self._steps[number].tops]

    def _bottom_ids(self, number: int) -> list[int]:
        return [self._blobs.index(blob) for blob in self._steps[number].bottoms]


def prepared(document: Document[NetParameter], state: NetState) -> Document[NetParameter]:
    """A net as Caffe runs it in a state: up to date, without the layers that are left out, with splits."""
    return insert_splits(filter_state(upgrade_net(document), state))


@contextmanager
def building(documents: Sequence[Document[NetParameter]]) -> Iterator[None]:
    """Around the compiling of nets: Python layers' modules find caffe, and what they raise comes out."""
    if any(layer.type == "Python" for document in documents for layer in document.message.layer):
        install_unless_real()
    with plain_errors():
        yield


def _options(
    args: Sequence[Any], options: dict[str, Any]
) -> tuple[int, int, tuple[str, ...], FilePath | None]:
    """Phase, level, stages and weights."""
    names: tuple[str, ...] = _OPTIONS
    if args and isinstance(args[0], str | PathLike):
        names = ("weights", "phase")
    if len(args) > len(names):
        raise TypeError(f"Net takes a file and {', '.join(names)}, not {len(args) + 1} arguments")
    given = dict(zip(names, args, strict=False))
    for name, value in options.items():
        if name in given or name not in _OPTIONS:
            raise TypeError(f"Net takes '{name}' {'twice' if name in given else 'not at all'}")
        given[name] = value
    if not isinstance(given.get("phase"), int):
        raise TypeError("Net takes a phase, caffe.TRAIN or caffe.TEST")
    return given["phase"], given.get("level", 0), tuple(given.get("stages") or ()), given.get("weights")


def _check_array(name: str, array: Any, sides: Sequence[int]) -> None:
    if not array.flags.c_contiguous:
        raise RuntimeError(f"{name}: expected an array that is C-contiguous")
    if array.dtype != np.float32:
        raise RuntimeError(f"{name}: expected an array of float32, found {array.dtype}")
    if array.ndim != 4 or list(array.shape[1:]) != list(sides):
        raise RuntimeError(f"{name}: expected a shape of Nx{'x'.join(map(str, sides))}, found {array.shape}")


def _together(found: dict[str, list[Array]], count: int) -> Arrays:
    """Batches put together, without what filled up the last."""
    return {name: np.concatenate(arrays)[:count] for name, arrays in found.items()}
