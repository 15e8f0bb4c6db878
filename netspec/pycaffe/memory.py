"""The numbers of blobs: tensors for the layers, arrays for the scripts, in one memory where that can be."""

from __future__ import annotations

from math import prod
from typing import Literal
from weakref import WeakSet, WeakValueDictionary, ref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float32]
Shape = tuple[int, ...]
Head = Literal["device", "host", "both"]


class Memory:
    """The values of a blob, or its gradient.

    Layers read and write a tensor on the net's device. A script that asks for the numbers is handed an array,
    and for as long as it keeps the array, or a view of it, the array holds what the blob holds and the blob
    what is written to the array. On the CPU both lie in the same memory. Elsewhere the array is a copy, made
    when it is asked for; `begin_pass` and `end_pass` bring over what may have changed on the other side.

    A memory that nobody has written to is zero and takes no room.

    Attributes:
        tensor: what the layers read; None stands for zeros. It may be larger than the blob is by now.
        device: where the tensor lies.
        head: which side has the last word.
    """

    __slots__ = ("__weakref__", "_flat", "_seen", "device", "head", "tensor")

    def __init__(self, device: torch.device, tensor: Tensor | None = None) -> None:
        self.device = device
        self.tensor = tensor
        self.head: Head = "device"
        self._flat: Tensor | None = None  # what the arrays are made of
        self._seen: ref[Array] | None = None  # dead once no script has an array any more

    @property
    def is_seen(self) -> bool:
        """Whether a script has an array of these numbers."""
        return self._seen is not None and self._seen() is not None

    @property
    def is_apart(self) -> bool:
        """Whether arrays need memory of their own."""
        return self.device.type != "cpu"

    @property
    def is_overtaken(self) -> bool:
        """Whether the tensor was changed in place since arrays were last brought over to it."""
        return False

    def put(self, value: Tensor) -> None:
        """Takes over a tensor, whose memory must be nobody else's."""
        if self._seen is None:
            self.tensor, self.head = value, "device"
            return
        array = self._seen()
        if array is None or array.size < value.numel():
            self._forget()
            self.tensor, self.head = value, "device"
        elif self.is_apart:
            self.tensor, self.head = value, "device"
        else:
            self.tensor = self._part(value.shape)
            self.tensor.copy_(value.detach())

    def read(self, shape: Shape) -> Tensor:
        """The numbers as a tensor of a shape, in this memory; zeros where there are fewer numbers."""
        if self.head == "host":
            self._upload()
        tensor = self.tensor
        if tensor is None or tensor.numel() < prod(shape):
            self._forget()
            self.tensor = tensor = torch.zeros(shape, device=self.device)
        elif tensor.shape != shape:
            if not tensor.is_contiguous():
                self.tensor = tensor = tensor.detach().contiguous()
            tensor = tensor.detach().view(-1)[: prod(shape)].view(shape)
        return tensor

    def array(self, shape: Shape) -> Array:
        """The numbers as an array of a shape, to be read and written."""
        count = prod(shape)
        if self.tensor is None or self.tensor.numel() < count:
            self.read(shape)
        array = self._seen() if self._seen is not None else None
        if array is None:
            array = self._hand_out()
        if self.is_apart:
            if self.head == "device":
                self._download()
            self.head = "host"
            _held.add(self)
        return array[:count].reshape(shape)

    def add(self, value: Tensor) -> None:
        """Adds a tensor, whose memory must be nobody else's."""
        if self.head == "host":
            self._upload()
        if self.tensor is None:
            self.put(value)
        else:
            self.read(value.shape).add_(value)
            self.head = "device"

    def clear(self) -> None:
        """Makes all numbers zero."""
        if not self.is_seen:
            self._forget()
            self.tensor, self.head = None, "device"
        elif self.tensor is not None:
            self.tensor.zero_()
            self.head = "device"

    def move(self, device: torch.device) -> None:
        """Goes on on another device; the arrays that scripts have stay valid."""
        if self.head == "host":
            self._upload()
        self.device, tensor = device, self.tensor
        if tensor is None:
            return
        tensor = tensor.detach().to(device)
        if not self.is_seen:
            self._forget()
            self.tensor = tensor
        elif self.is_apart:
            self.tensor, self.head = tensor, "both"
            _held.add(self)
        else:
            self.tensor = self._part(tensor.shape)
            self.tensor.copy_(tensor)

    # Arrays ---------------------------------------------------------------------------------------------

    def _hand_out(self) -> Array:
        if self._flat is None:
            assert self.tensor is not None
            flat = self.tensor.detach().contiguous().view(-1)
            if self.is_apart:
                self._flat, self.head = flat.to("cpu", copy=True), "both"
            else:
                self._flat, self.tensor = flat, flat.view(self.tensor.shape)
        array: Array = self._flat.numpy()
        self._seen = ref(array)
        return array

    def _part(self, shape: Shape) -> Tensor:
        """The beginning of what the arrays are made of.

        A tensor of its own for autograd: that a script writes to it is no more noticed than that of a layer.
        """
        assert self._flat is not None
        return self._flat[: prod(shape)].view(shape).data

    def _upload(self) -> None:
        assert self._flat is not None
        if self.tensor is None:
            self.tensor = self._flat.to(self.device, copy=True)
        else:
            # Whatever autograd has saved of these numbers changes with them, as in Caffe.
            self.tensor.data.copy_(self._part(self.tensor.shape))
        self.head = "both"
        if not self.is_seen:
            self._forget()

    def _download(self) -> None:
        assert self.tensor is not None
        self._part(self.tensor.shape).copy_(self.tensor.detach())
        self.head = "both"

    def _forget(self) -> None:
        self._flat = self._seen = None


_held: WeakSet[Memory] = WeakSet()  # memories off the CPU of which a script may have an array
_of_parameters: WeakValueDictionary[int, ParameterMemory] = WeakValueDictionary()


class ParameterMemory(Memory):
    """The memory of a parameter itself, which updates change in place, and layers with running statistics."""

    __slots__ = ("_version", "parameter")

    def __init__(self, parameter: nn.Parameter, home: Array | None = None) -> None:
        if home is not None and parameter.device.type == "cpu":
            parameter.data = torch.from_numpy(home).copy_(parameter.data)
        elif not parameter.is_contiguous():
            parameter.data = parameter.data.contiguous()
        super().__init__(parameter.device, parameter.data)
        self.parameter = parameter
        self._version = parameter._version

    def move(self, device: torch.device) -> None:
        super().move(device)
        assert self.tensor is not None
        self.parameter.data = self.tensor

    @property
    def is_overtaken(self) -> bool:
        return self.parameter._version != self._version

    def _upload(self) -> None:
        super()._upload()
        self._version = self.parameter._version


def memory_of(parameter: nn.Parameter, home: Array | None = None) -> ParameterMemory:
    """The one memory of a parameter, whichever nets share it: on the CPU that of an array, where a script has
    one already."""
    memory = _of_parameters.get(id(parameter))
    if memory is None or memory.parameter is not parameter:
        memory = _of_parameters[id(parameter)] = ParameterMemory(parameter, home)
    return memory


def begin_pass() -> None:
    """Before layers run: lets them see what scripts may have written to arrays off the CPU."""
    for memory in list(_held) if len(_held) else ():
        if memory.is_seen or memory.head == "host":
            memory._upload()


def end_pass() -> None:
    """After layers ran: lets the arrays that scripts have show what the layers wrote."""
    for memory in list(_held) if len(_held) else ():
        if not memory.is_seen and memory.head != "host":
            memory._forget()
            _held.discard(memory)
        elif memory.head == "device" or (memory.head == "both" and memory.is_overtaken):
            memory._download()
