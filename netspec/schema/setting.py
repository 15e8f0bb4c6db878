"""A field named by its path, and the values it is to take in turn: ``base_lr=0.01,0.001``.

A path goes through a solver's message as its text does, with dots between the fields and the index of an
element in brackets: ``momentum``, ``stepvalue[1]``. Behind ``net.`` it goes through a net's, where a layer is
found by its name: ``net.layer.conv1.convolution_param.num_output``. The binder reads the values, so what a
text may not say, a setting may not either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from netspec.errors import ParseError
from netspec.schema.binder import bind
from netspec.schema.document import Document
from netspec.schema.extensions import added_messages
from netspec.schema.messages import LayerParameter, Message
from netspec.schema.spans import Spans
from netspec.text.parser import parse, tokenize
from netspec.text.source import Source, Span
from netspec.text.suggest import nearest
from netspec.text.syntax import Block, Field, Token, Value

M = TypeVar("M", bound=Message)

_NET = "net."
_LAYERS = ("layer", "layers")
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?(?:\.(?=.)|\Z)", re.ASCII)
_MOST_PARAMS = 16  # more blobs than any layer has
_OPENING, _CLOSING = {"LBRACE", "LESSTHAN", "LSQB"}, {"RBRACE", "MORETHAN", "RSQB"}


class Step(NamedTuple):
    """A field on the way through a message; ``layer`` stands for all its elements of that name."""

    name: Token
    at: int | None = None
    layer: str | None = None


class Written(NamedTuple):
    """A value as it was written, and where."""

    text: str
    start: int


@dataclass(frozen=True, eq=False)
class Setting:
    """A path and the values for it.

    Attributes:
        source: what the user wrote.
        path: all in front of the equals sign.
        values: what stands behind it, a value for each comma outside of quotes and brackets.
    """

    source: Source
    path: str
    values: tuple[Written, ...]

    @property
    def is_of_net(self) -> bool:
        """Whether the path goes through a net, not through the solver."""
        return self.path.startswith(_NET)

    def fits(self, net: Message) -> bool:
        """Whether a net has the layer that the path names, if it names one."""
        return self._layer(net) != ""

    def no_layer(self, nets: Sequence[Message]) -> ParseError:
        """The error where none of the nets has the layer."""
        kind, _, rest = self.path.removeprefix(_NET).partition(".")
        known = dict.fromkeys(layer.name for net in nets for layer in getattr(net, kind))
        name = rest.partition(".")[0]
        guess = nearest(name, known)
        help = f"did you mean '{guess}'?" if guess else "`netspec summary` lists a net's layers"
        (other,) = (other for other in _LAYERS if other != kind)
        if not known and any(getattr(net, other) for net in nets):
            help = f"this net's layers are called '{other}': {_NET}{other}.{rest}"
        start = len(_NET) + len(kind) + 1
        return self._error(f"the net has no layer '{name}'", start, start + len(name), help)

    def put(self, document: Document[M], index: int) -> Document[M]:
        """The document with the value of that index in the field; the field's place is in the setting.

        Where the path names a layer, each layer of that name gets it. Messages on the way are made.

        Raises:
            ParseError: there is no such field or element, or the value does not fit it.
        """
        message = type(document.message)()
        message.CopyFrom(document.message)
        spans = document.spans
        # What a path in a value is looked for beside is the text that the value goes into.
        source = replace(self.source, path=document.source.path)
        value = self.values[index]
        place = Spans(source, Token("VALUE", value.text, value.start))
        for steps in self._targets(message):
            given, given_spans = self._bound(message, steps, source, value)
            spans = _put(message, spans, given, given_spans, steps, place)
        return Document(message, spans, document.source, document.warnings)

    # The path -----------------------------------------------------------------------------------------

    def _layer(self, net: Message) -> str | None:
        """The layer's name, as long as may be, as names may hold dots; None where the path names none, ""
        where the net has no such layer."""
        kind, dot, rest = self.path.removeprefix(_NET).partition(".")
        if not self.is_of_net or kind not in _LAYERS or not dot:
            return None
        names = (layer.name for layer in getattr(net, kind))
        return max((name for name in names if f"{rest}.".startswith(f"{name}.")), key=len, default="")

    def _targets(self, message: Message) -> list[list[Step]]:
        """The ways that the path means: one, or one for each layer of the name in it."""
        steps = [*self._steps(message)]
        first = steps[0]
        if first.layer is None:
            return [steps]
        if len(steps) == 1:
            end = len(self.path)
            raise self._error("a layer is named, but no field of it", end - len(first.layer), end)
        elements = enumerate(getattr(message, first.name.text))
        places = [place for place, element in elements if element.name == first.layer]
        return [[Step(first.name, place), *steps[1:]] for place in places]

    def _steps(self, message: Message) -> Iterator[Step]:
        place = len(_NET) if self.is_of_net else 0
        layer = self._layer(message)
        while True:
            match = _STEP.match(self.path, place)
            if match is None:
                raise self._error("expected the name of a field", place, len(self.path))
            name = Token("NAME", match[1], place)
            place = match.end()
            if layer is None:
                yield Step(name, int(match[2]) if match[2] else None)
            else:
                yield Step(name, None, layer)
                place, layer = place + len(layer) + 1, None
            if place >= len(self.path):
                return

    # The value ----------------------------------------------------------------------------------------

    def _bound(self, message: M, steps: list[Step], source: Source, value: Written) -> tuple[M, Spans]:
        """A message with nothing in it but the value, bound as a text would be that holds nothing else."""
        tree: Any = self._tree(message.DESCRIPTOR, steps, value)
        for step in reversed(steps[1:]):
            tree = Block([Field(step.name, tree)], step.name)
        if steps[1:]:
            tree.fields[:0] = _type_of(message, steps[0])
        whole = Block([Field(steps[0].name, tree)])
        given, spans, found = bind(whole, source, type(message), is_whole=False)
        if errors := [finding for finding in found if finding.severity == "error"]:
            raise ParseError(errors)
        return given, spans

    def _tree(self, descriptor: Descriptor, steps: list[Step], value: Written) -> Value:
        """A value's syntax. A string may do without quotes, which a shell takes away."""
        if value.text[0] not in "\"'[" and _is_text(descriptor, steps):
            return _quoted(value.text, value.start)
        # At the same place as in what was written, behind a name that every value may stand behind.
        text = f"{'v:':>{value.start}}{value.text}"
        block, errors = parse(Source(self.source.name, text))
        if errors:
            places = [error.span or self._span(value.start, len(text)) for error in errors]
            raise ParseError(
                replace(error, span=self._span(place.start, place.end))
                for error, place in zip(errors, places, strict=True)
            )
        return block.fields[0].value

    def _span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def _error(self, message: str, start: int, end: int, help: str | None = None) -> ParseError:
        return ParseError.at(message, self._span(start, end), help=help)


def read_setting(text: str, name: str = "--set") -> Setting:
    """A setting from ``path=value,value``; ``name`` is what diagnostics call it.

    Raises:
        ParseError: a part is missing, a quoted string does not end, or a value is given twice.
    """
    source = Source(name, text.strip())
    path, equals, _ = source.text.partition("=")
    if not path.strip() or not equals:
        help = "write the path of a field and values for it: base_lr=0.1,0.01"
        raise ParseError.at("expected PATH=VALUE,VALUE", Span(source, 0, len(source.text)), help=help)
    values = tuple(_values(source, len(path) + 1))
    seen: set[str] = set()
    for value in values:
        span = Span(source, value.start, value.start + max(1, len(value.text)))
        if not value.text:
            raise ParseError.at("a value is missing", span, help="a string without any text is written ''")
        if value.text in seen:
            raise ParseError.at(f"the value {value.text} is given twice", span)
        seen.add(value.text)
    return Setting(source, path.rstrip(), values)


def _values(source: Source, start: int) -> Iterator[Written]:
    depth = 0
    for token in tokenize(" " * start + source.text[start:]):
        depth += (token.type in _OPENING) - (token.type in _CLOSING)
        if token.type == "UNTERMINATED":
            message, span = "the quoted string does not end", Span(source, token.start, token.end)
            raise ParseError.at(message, span, help=f"close it with {token.text[0]}")
        if token.type == "$END" or (token.type == "COMMA" and depth <= 0):
            end = len(source.text) if token.type == "$END" else token.start
            written = source.text[start:end]
            text = written.strip()
            yield Written(text, start + len(written) - len(written.lstrip()))
            start = token.end


def _quoted(text: str, start: int) -> Token:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return Token("STRING", f'"{escaped}"', start)


def _is_text(descriptor: Descriptor, steps: Iterable[Step]) -> bool:
    """Whether a path leads to a string."""
    here: Descriptor | None = descriptor
    field: FieldDescriptor | None = None
    for step in steps:
        field = _field(here, step.name.text) if here is not None else None
        here = field.message_type if field is not None else None
    return field is not None and bool(field.cpp_type == FieldDescriptor.CPPTYPE_STRING)


def _field(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    field: FieldDescriptor | None = descriptor.fields_by_name.get(name)
    if field is None and descriptor == LayerParameter.DESCRIPTOR:
        return added_messages().get(name)
    return field


def _type_of(message: Any, step: Step) -> list[Field]:
    """A layer's type, from which the binder knows where a field of another message belongs."""
    layers = getattr(message, "layer", ()) if step.name.text == "layer" and step.at is not None else ()
    types = [layer.type for layer in layers[step.at : (step.at or 0) + 1] if layer.type]
    return [Field(Token("NAME", "type", 0), _quoted(type, 0)) for type in types]


# Putting it in its place -----------------------------------------------------------------------------------


def _put(
    message: Any, spans: Spans, given: Any, given_spans: Spans, steps: Sequence[Step], place: Spans
) -> Spans:
    """Puts into a message what stands at the path in ``given``; the message's places with the new ones.

    ``place`` is that of a value that is no message.
    """
    (name, index, _), *rest = steps
    field = _field(message.DESCRIPTOR, name.text)
    assert field is not None, "the binder knows the field"
    old, new = _value(message, field), _value(given, field)
    entries = dict(spans.entries)
    ours: list[Any] = [*entries.get(name.text, [])]
    theirs: list[Any] = [
        entry if isinstance(entry, Spans) else place for entry in given_spans.entries[name.text]
    ]
    if hasattr(old, "extend"):  # the containers of protobuf's implementations share no public type
        at = _place(old, name, index, bool(rest), place.source)
        entries[name.text] = _put_elements(old, ours, new, theirs, at, rest, place)
    elif index is not None:
        span = Span(place.source, name.start, name.end)
        raise ParseError.at(f"'{name.text}' has a single value", span, help=f"leave out [{index}]")
    elif rest:
        old.SetInParent()
        entries[name.text] = [_put(old, (ours or theirs)[0], new, theirs[0], rest, place)]
    else:
        _clear(message, field)
        message.MergeFrom(given)
        entries[name.text] = theirs
    return spans.placed(entries)


def _put_elements(
    elements: Any,
    ours: list[Any],
    new: Any,
    theirs: list[Any],
    at: int | None,
    rest: Sequence[Step],
    place: Spans,
) -> list[Any]:
    """The same for a field with several values; no ``at`` stands for all of them."""
    if at is None:
        del elements[:]
        elements.extend(new)
        return theirs
    while len(elements) <= at:
        elements.append(type(new[0])())
    ours += theirs[:1] * (at + 1 - len(ours))
    if rest:
        ours[at] = _put(elements[at], ours[at], new[0], theirs[0], rest, place)
        return ours
    if hasattr(elements[at], "CopyFrom"):
        elements[at].CopyFrom(new[0])
    else:
        elements[at] = new[0]
    ours[at] = theirs[0]
    return ours


def _place(elements: Any, name: Token, index: int | None, goes_on: bool, source: Source) -> int | None:
    """Which element a step means; None for all, where the path ends without an index."""
    known, span = len(elements), Span(source, name.start, name.end)
    if index is None and goes_on and known > 1:
        message = f"there are {known} '{name.text}'"
        raise ParseError.at(message, span, help=f"say which one: {name.text}[0] to {name.text}[{known - 1}]")
    # A param block may be empty, so those in front of one can be made; of other elements only the next one.
    most = max(known, _MOST_PARAMS) if name.text == "param" else known
    if index is not None and index > most:
        message = f"there is no {name.text}[{index}]: there are {known} '{name.text}' so far"
        raise ParseError.at(message, span, help=f"the next one is {name.text}[{known}]")
    return index if index is not None or not goes_on else 0


def _value(message: Any, field: FieldDescriptor) -> Any:
    return message.Extensions[field] if field.is_extension else getattr(message, field.name)


def _clear(message: Any, field: FieldDescriptor) -> None:
    if field.is_extension:
        message.ClearExtension(field)
    else:
        message.ClearField(field.name)
