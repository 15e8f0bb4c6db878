"""`netspec layers`: the catalogue of layer types, or all about one."""

from __future__ import annotations

import inspect
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from netspec.cli.flags import did_you_mean
from netspec.errors import UsageError
from netspec.text.table import table

if TYPE_CHECKING:
    from netspec.layers.base import Layer
    from netspec.layers.registry import Arity

HELP = "list the layer types, or explain one"


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("type", nargs="?", help="explain this layer type and its parameters")


def run(args: Namespace) -> int:
    from netspec.layers.registry import layer_types

    types = layer_types()
    if args.type is None:
        print(_catalogue(types))
    elif args.type in types:
        print(_explanation(types[args.type]))
    else:
        help = did_you_mean(args.type, types, "`netspec layers`")
        raise UsageError.at(f"unknown layer type '{args.type}'", help=help)
    return 0


def _catalogue(types: dict[str, type[Layer]]) -> str:
    traits = [cls.traits for cls in types.values()]
    rows = [[t.type, _arity(t.bottoms), _tops(t.tops), t.origin, t.summary] for t in traits]
    return table(["type", "bottoms", "tops", "origin", "summary"], rows, "<<<<<")


def _explanation(cls: type[Layer]) -> str:
    traits = cls.traits
    head = f"{traits.type} ({traits.origin}): bottoms {_arity(traits.bottoms)}, tops {_tops(traits.tops)}"
    doc = inspect.cleandoc(cls.__doc__ or "")
    return "\n\n".join([head, doc, *(_message(field) for field in _parameters(cls))])


def _arity(arity: Arity) -> str:
    if isinstance(arity, int):
        return str(arity)
    least, most = arity
    return f"{least}+" if most is None else f"{least}-{most}"


def _tops(tops: Arity | str) -> str:
    return "as bottoms" if isinstance(tops, str) else _arity(tops)


def _parameters(cls: type[Layer]) -> Iterator[Any]:
    """The fields of a LayerParameter that the class reads: those its code names."""
    from netspec.layers.base import Layer
    from netspec.schema.extensions import added_messages
    from netspec.schema.messages import LayerParameter

    bases = [base for base in cls.__mro__ if issubclass(base, Layer) and base is not Layer]
    named = {name for base in bases for name in re.findall(r"\b\w+_param\b", inspect.getsource(base))}
    fields = (*LayerParameter.DESCRIPTOR.fields, *added_messages().values())
    return (field for field in fields if field.name in named)


def _message(field: Any) -> str:
    rows = [_field(inner) for inner in field.message_type.fields]
    width = max(len(row[0]) for row in rows)
    return "\n".join([f"{field.name} {{", *(f"  {name:<{width}}  {rest}" for name, rest in rows), "}"])


def _field(field: Any) -> tuple[str, str]:
    """A field's name, and its type with its default as the text format writes it."""
    names = {number: name.removeprefix("TYPE_").lower() for name, number in _type_numbers(field)}
    kind = names[field.type]
    if field.enum_type is not None:
        kind = " | ".join(value.name for value in field.enum_type.values)
    elif field.message_type is not None:
        kind = field.message_type.name
    if isinstance(field.default_value, list):
        return field.name, f"{kind}, repeated"
    return field.name, f"{kind} = {_default(field)}" if field.has_default_value else kind


def _type_numbers(field: Any) -> Iterator[tuple[str, int]]:
    return ((name, getattr(field, name)) for name in dir(field) if name.startswith("TYPE_"))


def _default(field: Any) -> str:
    value = field.default_value
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else repr(value)
