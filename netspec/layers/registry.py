"""The catalogue: which class computes a layer type. The folder is walked once; entry points add to it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeVar

from netspec.schema.extensions import load_plugins

if TYPE_CHECKING:
    from netspec.layers.base import Layer

# How many blobs: exactly n, or (least, most) where a most of None means any number.
Arity = int | tuple[int, int | None]
Origin = Literal["BVLC", "STN fork", "other fork", "own"]


@dataclass(frozen=True)
class Traits:
    """What a layer type declares about itself, for the base class and the catalogue to use.

    ``tops`` of "bottoms" means as many tops as bottoms. ``labels`` are the indices of bottoms that carry no
    gradient. A ``loss`` layer gets the tops it lacks made for it, and a loss weight of 1 on its first top.
    """

    type: str
    bottoms: Arity
    tops: Arity | Literal["bottoms"]
    origin: Origin
    loss: bool
    labels: tuple[int, ...]
    summary: str


L = TypeVar("L", bound="type[Layer]")
_classes: dict[str, type[Layer]] = {}


def layer(
    type: str,
    *,
    bottoms: Arity,
    tops: Arity | Literal["bottoms"],
    origin: Origin = "BVLC",
    loss: bool = False,
    labels: tuple[int, ...] = (),
) -> Callable[[L], L]:
    """Registers a `Layer` class as the one that computes ``type``.

    Raises:
        ValueError: another class already computes that type.
    """

    def register(cls: L) -> L:
        known = _classes.get(type)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(
                f"layer type '{type}' is already computed by {known.__module__}.{known.__qualname__}"
            )
        summary = (cls.__doc__ or "").strip().partition("\n")[0]
        cls.traits = Traits(type, bottoms, tops, origin, loss, labels, summary)
        _classes[type] = cls
        return cls

    return register


@cache
def _discover() -> None:
    package = importlib.import_module("netspec.layers")
    for module in pkgutil.iter_modules(package.__path__, "netspec.layers."):
        importlib.import_module(module.name)
    load_plugins()


def layer_types() -> dict[str, type[Layer]]:
    """All layer types by name, sorted without regard to case."""
    _discover()
    return dict(sorted(_classes.items(), key=lambda item: item[0].lower()))


def find_layer(type: str) -> type[Layer] | None:
    """The class that computes a layer type; None where there is none."""
    _discover()
    return _classes.get(type)
