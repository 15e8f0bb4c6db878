"""Python: a layer whose class was written for pycaffe."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from netspec.errors import NetError, NetspecError
from netspec.layers import base
from netspec.layers.base import Shape
from netspec.layers.python_blobs import Array, Blob, Blobs, Layer
from netspec.layers.python_modules import import_module
from netspec.layers.registry import layer
from netspec.schema.messages import TEST, TRAIN
from netspec.text.diagnostic import Note
from netspec.text.suggest import nearest

__all__ = ["Blob", "Layer", "PythonLayer", "plain_errors"]

_PARAM = "python_param"
_MACHINERY = (str(Path(__file__).parent), str(Path(importlib.__file__).parent))
_plain_errors = ContextVar("_plain_errors", default=False)


@contextmanager
def plain_errors() -> Iterator[None]:
    """While inside, what the user's code raises comes out as it is, not as a diagnostic."""
    token = _plain_errors.set(True)
    try:
        yield
    finally:
        _plain_errors.reset(token)


@layer("Python", bottoms=(0, None), tops=(0, None))
class PythonLayer(base.Layer):
    """Runs a class that was written for pycaffe; needs permission, since it runs code.

    The class is the one called ``layer`` in ``module``, which is looked for beside the net's file, in the
    working directory and on ``sys.path``. An object of it has ``param_str``, ``phase`` and ``blobs``. Its
    ``setup`` and ``reshape`` are called while the net is built, since nothing else tells the tops' shapes; at
    each pass ``reshape`` and ``forward``, and ``backward`` where a gradient is wanted. It works on the CPU in
    float32: the arrays of the bottoms and of the learnable blobs share memory with tensors of that kind. An
    object knows of its last forward pass only, and so the backward pass must belong to that one.

    A layer without bottoms is asked for its tops at each pass, and no snapshot knows how far it got.
    """

    # Whoever builds a net from a text says whether it may run code. The text alone never does.
    allowed = False
    _file: str | None = None
    _like: Tensor

    def setup(self, *shapes: Shape) -> None:
        if not self.allowed:
            raise self.error(
                f"runs code of module '{self.spec.python_param.module}', which needs permission",
                "type",
                help="for code that you trust: allow_python_layers=True in compile_net or load_solver, "
                "--allow-python-layers on the command line",
            )
        self.register_buffer("_like", torch.empty(0), persistent=False)
        self._forwards = 0
        self._bottoms = [Blob() for _ in shapes]
        # A layer that works in place has one blob for both.
        by_name = dict(zip(self.spec.bottom, self._bottoms, strict=True))
        self._tops = [by_name.get(name) or Blob() for name in self.spec.top]
        for blob, shape in zip(self._bottoms, shapes, strict=True):
            blob.reshape(*shape)
        module = self._import()
        self._file = module.__file__
        self._user = self._instance(self._class(module))
        self._run("setup", self._bottoms, self._tops)
        self._run("reshape", self._bottoms, self._tops)
        for blob in self._user.blobs:
            self.add_blob(blob.shape)

    @property
    def user(self) -> Any:
        """The object of the user's class."""
        return self._user

    def hand_over(self, bottoms: Sequence[Any], tops: Sequence[Any], blobs: Any) -> list[Array]:
        """Gives the user's object others' blobs, also in the lists that its ``setup`` may have kept.

        Returns:
            What ``setup`` and ``reshape`` left in the tops.
        """
        left = [top.data for top in self._tops]
        self._bottoms[:], self._tops[:], self._user.blobs = bottoms, tops, blobs
        return left

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        for index, blob in enumerate(self._tops):
            if not blob.is_shaped:
                message = f"reshape gives top '{self.spec.top[index]}' no shape"
                raise self.error(message, "top", index, help=f"call top[{index}].reshape(..) in it")
        return [blob.shape for blob in self._tops]

    def materialize(self, device: torch.device, generator: torch.Generator) -> None:
        super().materialize(device, generator)
        with torch.no_grad():
            for blob, theirs in zip(self.blobs, self._user.blobs, strict=True):
                blob.copy_(torch.from_numpy(theirs.data))

    @torch._dynamo.disable  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
    def forward(self, *bottoms: Tensor) -> Any:
        if not self.num_tops:
            self._compute((*bottoms, *self.blobs))
            return ()
        tops = _Pass.apply(self, *bottoms, *self.blobs)  # type: ignore[no-untyped-call]
        return tops[0] if len(tops) == 1 else tops

    # Importing ----------------------------------------------------------------------------------------

    def _import(self) -> ModuleType:
        param = self.spec.python_param
        for field in ("module", "layer"):
            if not getattr(param, field):
                raise self.error(f"python_param names no {field}", _PARAM)
        folder = self.spans.source.folder
        folders = [*([str(folder.resolve())] if folder else []), str(Path.cwd())]
        try:
            return import_module(param.module, folders)
        except ModuleNotFoundError as error:
            if error.name and f"{param.module}.".startswith(f"{error.name}.") and not _plain_errors.get():
                places = " and ".join(f"'{place}'" for place in dict.fromkeys(folders))
                message = f"there is no module '{param.module}'"
                help = f"looked in {places}, then on PYTHONPATH and where Python has its packages"
                raise self.error(message, _PARAM, "module", help=help) from error
            raise self._failure(f"module '{param.module}' cannot be imported", error, "module") from error
        except Exception as error:
            raise self._failure(f"module '{param.module}' cannot be imported", error, "module") from error

    def _class(self, module: ModuleType) -> type:
        name = self.spec.python_param.layer
        cls = getattr(module, name, None)
        if cls is None:
            classes = [name for name, value in vars(module).items() if isinstance(value, type)]
            guess = nearest(name, classes)
            message = f"module '{module.__name__}' has no class '{name}'"
            help = f"did you mean '{guess}'?" if guess else f"its classes: {', '.join(classes) or 'none'}"
            raise self.error(message, _PARAM, "layer", help=help)
        if not isinstance(cls, type) or not (hasattr(cls, "forward") or issubclass(cls, Layer)):
            message = f"'{name}' of module '{module.__name__}' is no layer: it has no forward"
            raise self.error(message, _PARAM, "layer", help=f"expected class {name}(caffe.Layer)")
        return cls

    def _instance(self, cls: type) -> Any:
        try:
            # The constructor of a real Caffe's Layer is out of reach; a layer has `setup` in its place.
            user = cls(self.spec) if issubclass(cls, Layer) else cls.__new__(cls)
        except Exception as error:
            raise self._failure(f"{cls.__name__}() failed", error, "layer") from error
        param_str = self.spec.python_param.param_str
        phase = TRAIN if self.training else TEST
        # Older Caffes have the parameters under the name with the underscore.
        vars(user).update(param_str=param_str, param_str_=param_str, phase=phase, blobs=Blobs())
        return user

    # Running ------------------------------------------------------------------------------------------

    def _run(self, method: str, *args: Any) -> None:
        """Calls a method of the user's object.

        Raises:
            NetError: whatever went wrong in it, with the place in the user's file.
        """
        try:
            getattr(self._user, method)(*args)
        except NetspecError:
            raise
        except Exception as error:
            raise self._failure(f"{type(self._user).__name__}.{method} failed", error, "layer") from error

    def _failure(self, what: str, error: Exception, field: str) -> NetError:
        """An error of the user's code: what it says, and the place in the user's file that led to it."""
        if _plain_errors.get():
            raise error
        frames = [frame for frame in extract_tb(error.__traceback__) if _is_users(frame.filename)]
        frames = [frame for frame in frames if frame.filename == self._file] or frames
        return NetError.at(
            f"layer '{self.name}' (Python): {what}: {type(error).__name__}: {error}",
            self.span(_PARAM, field),
            notes=[Note(f"at {frame.filename}:{frame.lineno}: {frame.line}") for frame in frames[-1:]],
        )

    def _compute(self, tensors: Sequence[Tensor]) -> int:
        """A forward pass; its number."""
        in_place = set(map(id, self._tops))
        for blob, tensor in zip(chain(self._bottoms, self._user.blobs), tensors, strict=True):
            array = _array(tensor)
            blob.show(array.copy() if id(blob) in in_place else array)
        self._run("reshape", self._bottoms, self._tops)
        self._run("forward", self._bottoms, self._tops)
        for blob, tensor in zip(self._user.blobs, tensors[len(self._bottoms) :], strict=True):
            _give_back(blob.data, tensor)
        self._forwards += 1
        return self._forwards

    def _differentiate(self, number: int, gradients: Sequence[Tensor], wanted: Sequence[bool]) -> None:
        """The backward pass of the forward pass of this number; fills the gradients of the blobs."""
        if number != self._forwards:
            raise self.error(
                "its backward pass must follow its forward pass: there was another forward pass between them",
                help="the object keeps what it needs of the last forward pass only",
            )
        for blob in chain(self._bottoms, self._user.blobs):
            blob.show(blob.data)
        for blob, gradient in zip(self._tops, gradients, strict=True):
            blob.show(blob.data, _array(gradient).copy())
        self._run("backward", self._tops, list(wanted), self._bottoms)


class _Pass(torch.autograd.Function):
    """A pass through the user's object; its arguments are the layer, the bottoms and the learnable blobs."""

    @staticmethod
    def forward(ctx: Any, layer: PythonLayer, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.layer = layer
        ctx.number = layer._compute(tensors)
        return tuple(_tensor(top.data, layer._like) for top in layer._tops)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator, unused-ignore]
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer: PythonLayer = ctx.layer
        wanted = ctx.needs_input_grad[1:]
        layer._differentiate(ctx.number, gradients, wanted[: len(layer._bottoms)])
        blobs = chain(layer._bottoms, layer._user.blobs)
        return None, *(
            _tensor(blob.diff, layer._like) if want else None
            for blob, want in zip(blobs, wanted, strict=True)
        )


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
    return array


def _tensor(array: Array, like: Tensor) -> Tensor:
    return torch.tensor(array, dtype=like.dtype, device=like.device)


def _give_back(array: Array, tensor: Tensor) -> None:
    """Brings to a tensor what was written to an array that does not share its memory."""
    if array.ctypes.data == tensor.data_ptr():
        return
    written = torch.from_numpy(array).to(tensor)
    if not torch.equal(written, tensor):
        tensor.copy_(written)


def _is_users(filename: str) -> bool:
    """Whether a frame of a traceback is of the user's code, not of what calls or imports it."""
    return not filename.startswith(("<frozen", *_MACHINERY))
