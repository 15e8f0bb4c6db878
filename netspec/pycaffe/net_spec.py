"""``caffe.net_spec``: nets written in Python.

    n = NetSpec()
    n.data, n.label = L.Data(batch_size=64, source="train_lmdb", ntop=2)
    n.ip = L.InnerProduct(n.data, num_output=10, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    print(n.to_proto())

A blob that is assigned to a `NetSpec` has its name there; others are named after the type of their layer and
counted: ``Convolution1``, ``Convolution2``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from netspec.pycaffe.proto import caffe_pb2
from netspec.text.suggest import nearest

__all__ = [
    "Function",
    "Layers",
    "NetSpec",
    "Parameters",
    "Top",
    "assign_proto",
    "layers",
    "param_name_dict",
    "params",
    "to_proto",
]

# Types that read the message of another type, or one that goes by another name.
_READS = {
    "ConvolutionDepthwise": "convolution",
    "Deconvolution": "convolution",
    "DepthwiseConvolution": "convolution",
    "GRU": "recurrent",
    "Im2col": "convolution",
    "ImageSegData": "image_data",
    "LogSoftmax": "softmax",
    "Lstm": "lstm",
    "LSTM": "recurrent",
    "ReLU6": "relu",
    "RNN": "recurrent",
    "ST": "st",
}


def param_name_dict() -> dict[str, str]:
    """For each layer type the message it reads, without ``_param``: ``{"InnerProduct": "inner_product"}``."""
    fields = [f for f in caffe_pb2.LayerParameter.DESCRIPTOR.fields if f.name.endswith("_param")]
    named = {f.message_type.name.removesuffix("Parameter"): f.name.removesuffix("_param") for f in fields}
    return named | _READS


def assign_proto(proto: caffe_pb2.Message, name: str, val: Any) -> None:
    """Sets a field of a message: a dict is a message, a list a repeated field; a single value will do for a
    repeated field too.

    Raises:
        AttributeError: the message has no such field.
        TypeError: the value is not of the field's type.
    """
    field = getattr(proto, name)
    if hasattr(field, "extend"):
        for item in val if isinstance(val, list | tuple) else [val]:
            _append(field, item)
    elif isinstance(val, Mapping):
        _fill(field, val)
    else:
        setattr(proto, name, val)


def _append(field: Any, item: Any) -> None:
    if isinstance(item, Mapping):
        _fill(field.add(), item)
    else:
        field.append(item)


def _fill(proto: caffe_pb2.Message, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        assign_proto(proto, name, value)


class Top:
    """A blob that a layer makes.

    Attributes:
        fn: the layer.
        n: which of its tops this is.
    """

    def __init__(self, fn: Function, n: int) -> None:
        self.fn = fn
        self.n = n

    def to_proto(self) -> caffe_pb2.NetParameter:
        """The net of all layers that this blob needs."""
        return to_proto(self)


class Function:
    """A layer: its type, the blobs it reads and what it is given.

    Attributes:
        params: the arguments by name, but for ``ntop`` and ``in_place``.
        ntop: how many blobs it makes.
        in_place: whether its tops are its bottoms.
        tops: those blobs.

    Raises:
        TypeError: an input is no blob.
    """

    def __init__(self, type_name: str, inputs: tuple[Top, ...], params: dict[str, Any]) -> None:
        for index, top in enumerate(inputs):
            if not isinstance(top, Top):
                raise TypeError(f"{type_name} input {index} is not a Top (type is {type(top)})")
        self.type_name = type_name
        self.inputs = inputs
        self.params = params
        self.ntop: int = params.pop("ntop", 1)
        self.in_place: bool = params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))


class _Writer:
    """Writes layers as messages, each behind those that it reads.

    Args:
        names: of tops, and of layers without tops.
    """

    def __init__(self, names: Mapping[Top | Function, str] | None = None) -> None:
        self._names = dict(names or {})
        self._counts: Counter[str] = Counter()
        self._written: dict[Function, caffe_pb2.LayerParameter] = {}

    def net(self, functions: Iterable[Function]) -> caffe_pb2.NetParameter:
        for function in functions:
            for needed in self._unwritten(function):
                self._written[needed] = self._layer(needed)
        return caffe_pb2.NetParameter(layer=self._written.values())

    def _unwritten(self, function: Function) -> Iterator[Function]:
        """What is to be written before a layer, depth first, and it itself. Not recursive: nets are deep."""
        path = [] if function in self._written else [function]
        while path:
            below = next((top.fn for top in path[-1].inputs if top.fn not in self._written), None)
            if below is None:
                yield path.pop()
            else:
                path.append(below)

    def _layer(self, function: Function) -> caffe_pb2.LayerParameter:
        layer = caffe_pb2.LayerParameter(type=function.type_name)
        layer.bottom.extend(self._written[top.fn].top[top.n] for top in function.inputs)
        if function.in_place:
            layer.top.extend(layer.bottom)
        else:
            layer.top.extend(self._name(top) for top in function.tops)
        layer.name = self._name(function.tops[0] if function.tops else function)
        for name, value in function.params.items():
            assign_proto(_home(layer, name), name, value)
        return layer

    def _name(self, thing: Top | Function) -> str:
        if thing not in self._names:
            type_name = thing.fn.type_name if isinstance(thing, Top) else thing.type_name
            self._counts[type_name] += 1
            self._names[thing] = f"{type_name}{self._counts[type_name]}"
        return self._names[thing]


def _home(layer: caffe_pb2.LayerParameter, name: str) -> caffe_pb2.Message:
    """The message that an argument belongs to: the one of the layer's type, or the layer's own.

    Raises:
        AttributeError: neither has such a field.
    """
    own = f"{_param_names[layer.type]}_param" if layer.type in _param_names else None
    places: list[caffe_pb2.Message] = [layer if own is None else getattr(layer, own), layer]
    if name.endswith("param"):
        places.reverse()
    for message in places:
        if name in message.DESCRIPTOR.fields_by_name:
            return message
    guess = nearest(name, [field for message in places for field in message.DESCRIPTOR.fields_by_name])
    raise AttributeError(
        f"layer '{layer.name}' ({layer.type}): no field '{name}' in {f'{own} or ' if own else ''}a layer"
        + (f": did you mean '{guess}'?" if guess else "")
    )


def to_proto(*tops: Top) -> caffe_pb2.NetParameter:
    """The net of all layers that these blobs need.

    Raises:
        AttributeError: a layer was given an argument that it has no field for.
        TypeError: an argument is not of its field's type.
    """
    return _Writer().net(top.fn for top in tops)


class _NoTop(KeyError, AttributeError):
    """There is no such blob: a KeyError as pycaffe's, and what `hasattr` and `copy` look for."""


class NetSpec:
    """Blobs by name, assigned as attributes or items: ``n.conv1 = L.Convolution(...)``.

    A layer without tops is assigned in the same way. A name that is not there raises a KeyError.
    """

    tops: dict[str, Top | Function]

    def __init__(self) -> None:
        super().__setattr__("tops", {})

    def __setattr__(self, name: str, value: Top | Function) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        # A copy in the making has no tops yet, and must not look for them here.
        if name != "tops" and name in self.tops:
            return self.tops[name]
        raise _NoTop(name)

    def __delattr__(self, name: str) -> None:
        del self.tops[name]

    __setitem__ = __setattr__
    __delitem__ = __delattr__

    def __getitem__(self, item: str) -> Any:
        return self.tops[item]

    def keys(self) -> list[str]:
        """The names, in the order in which they were assigned."""
        return list(self.tops)

    def vals(self) -> list[Top | Function]:
        """The blobs, in the order in which they were assigned."""
        return list(self.tops.values())

    def update(self, name: str, params: Mapping[str, Any]) -> None:
        """Gives more arguments to the layer that makes a blob."""
        _function(self.tops[name]).params.update(params)

    def to_proto(self) -> caffe_pb2.NetParameter:
        """The net of all layers that the assigned blobs need, in the order of assignment as far as they let.

        Raises:
            AttributeError: a layer was given an argument that it has no field for.
            TypeError: an argument is not of its field's type.
        """
        names = {top: name for name, top in self.tops.items()}
        return _Writer(names).net(map(_function, self.tops.values()))


def _function(top: Top | Function) -> Function:
    return top.fn if isinstance(top, Top) else top


class Layers:
    """Functions by layer type: ``L.Convolution(bottom, kernel_size=3)`` gives the blob that the layer makes,
    with ``ntop=2`` a tuple of two, with ``ntop=0`` the layer itself. With ``in_place=True`` the layer
    overwrites its bottom."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def layer_fn(*args: Top, **kwargs: Any) -> Any:
            function = Function(name, args, kwargs)
            if function.ntop == 0:
                return function
            return function.tops[0] if function.ntop == 1 else function.tops

        return layer_fn


class Parameters:
    """The values of enums by layer type: ``P.Pooling.MAX``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(caffe_pb2, f"{name}Parameter")


_param_names = param_name_dict()
layers = Layers()
params = Parameters()
