"""From syntax tree to typed message, with the place of every field and all errors at once."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from netspec.schema.extensions import added_messages
from netspec.schema.messages import LayerParameter, Message
from netspec.schema.scalars import Mismatch, Reader, reader
from netspec.schema.spans import Spans
from netspec.text.diagnostic import Diagnostic, Note
from netspec.text.parser import tokenize
from netspec.text.source import Source, Span
from netspec.text.suggest import nearest, one_of
from netspec.text.syntax import Block, Field, List, Token, Value

M = TypeVar("M", bound=Message)


class _Plan(NamedTuple):
    """What binding needs to know of a field; ``read`` is None for a message."""

    name: str
    is_repeated: bool
    read: Reader | None
    field: FieldDescriptor


class _Frame(NamedTuple):
    """A block that is being bound, and the name under which the user knows it."""

    block: Block
    descriptor: Descriptor
    name: str


def _is_repeated(field: FieldDescriptor) -> bool:
    # protobuf 6 deprecates ``label`` for ``is_repeated``, which protobuf 5 does not have.
    known = getattr(field, "is_repeated", None)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED if known is None else known)


def _is_required(field: FieldDescriptor) -> bool:
    known = getattr(field, "is_required", None)
    return bool(field.label == FieldDescriptor.LABEL_REQUIRED if known is None else known)


@cache
def _plans(descriptor: Descriptor) -> dict[str, _Plan]:
    return {field.name: _plan(field) for field in descriptor.fields}


def _plan(field: FieldDescriptor) -> _Plan:
    return _Plan(field.name, _is_repeated(field), None if field.message_type else reader(field), field)


def _with_extensions(descriptor: Descriptor) -> dict[str, _Plan]:
    """The plans of a message's fields, those too that other packages add to a layer. Finding these packages
    takes time, so nobody looks for them but where a name is unknown."""
    plans = _plans(descriptor)
    if descriptor == LayerParameter.DESCRIPTOR:
        plans |= {name: _plan(field) for name, field in added_messages().items()}
    return plans


@cache
def _required(descriptor: Descriptor) -> tuple[str, ...]:
    return tuple(field.name for field in descriptor.fields if _is_required(field))


def bind(
    block: Block, source: Source, message_class: type[M], *, is_whole: bool = True
) -> tuple[M, Spans, list[Diagnostic]]:
    """A message of the given class, the places of its fields, and the errors and warnings met on the way.

    What is in error is left out of the message. ``is_whole`` is False where syntax errors have taken parts of
    the tree, so that a required field is not known to be missing.
    """
    message = message_class()
    spans = Spans(source, block)
    binder = _Binder(source)
    binder.bind(block, message, spans, message.DESCRIPTOR.name)
    if is_whole:
        binder.check_required()
    return message, spans, binder.diagnostics


class _Binder:
    def __init__(self, source: Source) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._source = source
        self._frames: list[_Frame] = []
        self._with_required: list[tuple[_Frame, Any, Spans]] = []

    def bind(self, block: Block, message: Any, spans: Spans, name: str) -> None:
        descriptor = message.DESCRIPTOR
        plans = _plans(descriptor)
        entries = spans.entries
        frame = _Frame(block, descriptor, name)
        self._frames.append(frame)
        for field in block.fields:
            plan = plans.get(field.name.text) or _with_extensions(descriptor).get(field.name.text)
            if plan is None:
                self._unknown(field)
            elif plan.is_repeated:
                self._repeated(plan, field, message, entries.setdefault(plan.name, []))
            else:
                self._singular(plan, field, message, entries)
        self._frames.pop()
        if _required(descriptor):
            self._with_required.append((frame, message, spans))

    def check_required(self) -> None:
        """Reports the required fields that are neither set nor, wrongly, written."""
        for frame, message, spans in self._with_required:
            written = {field.name.text for field in frame.block.fields}
            for name in _required(frame.descriptor):
                if not message.HasField(name) and name not in written:
                    self._report(f"'{frame.name}' needs a value for '{name}'", spans.span)

    def _singular(self, plan: _Plan, field: Field, message: Any, entries: dict[str, Any]) -> None:
        name, value = plan.name, field.value
        if type(value) is List:
            self._error(f"'{name}' takes a single value, found a list", value)
        elif plan.read is None:
            if type(value) is not Block:
                self._not_a_block(name, value)
                return
            if name in entries:
                self._warn_repeated(field, entries[name][0], "the blocks are merged")
            else:
                entries[name] = [Spans(self._source, field.name)]
            sub = message.Extensions[plan.field] if plan.field.is_extension else getattr(message, name)
            sub.SetInParent()
            self.bind(value, sub, entries[name][0], name)
        else:
            try:
                setattr(message, name, plan.read(value, name))
            except Mismatch as found:
                self._mismatch(found, plan, value)
                return
            if name in entries:
                self._warn_repeated(field, entries[name][0], "the last one counts")
            entries[name] = [value]

    def _repeated(self, plan: _Plan, field: Field, message: Any, entries: list[Any]) -> None:
        name, value = plan.name, field.value
        elements = getattr(message, name)
        is_list = type(value) is List
        for item in value.items if type(value) is List else (value,):
            if plan.read is not None:
                try:
                    elements.append(plan.read(item, name))
                except Mismatch as found:
                    self._mismatch(found, plan, item)
                else:
                    entries.append(item)
            elif type(item) is Block:
                spans = Spans(self._source, item if is_list else field.name)
                entries.append(spans)
                self.bind(item, elements.add(), spans, name)
            else:
                self._not_a_block(name, item)

    def _report(self, message: str, span: Span, help: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(message, span, help))

    def _error(self, message: str, at: Value, help: str | None = None) -> None:
        self._report(message, Span(self._source, at.start, at.end), help)

    def _not_a_block(self, name: str, value: Value) -> None:
        self._error(f"expected a block for '{name}'", value, f"write {name} {{ ... }}")

    def _warn_repeated(self, field: Field, first: Any, consequence: str) -> None:
        place = first.span if isinstance(first, Spans) else Span(self._source, first.start, first.end)
        name = field.name
        self.diagnostics.append(
            Diagnostic(
                f"'{name.text}' is given more than once: {consequence}",
                Span(self._source, name.start, name.end),
                notes=(Note("given before here", place),),
                severity="warning",
            )
        )

    def _mismatch(self, found: Mismatch, plan: _Plan, value: Value) -> None:
        self._error(str(found), value, found.help or _way_out(plan, value))

    def _unknown(self, field: Field) -> None:
        name = field.name
        frame = self._frames[-1]
        if name.type == "EXTENSION":
            kind = "an Any value" if "/" in name.text else "an extension"
            self._error(f"'{name.text}' is {kind}, which nets and solvers do not have", name)
        elif not self._is_stray(name.text):
            self._error(f"unknown field '{name.text}' in '{frame.name}'", name, self._suggest(name.text))

    def _is_stray(self, name: str) -> bool:
        """Whether the field only seems to be in this block because a block around it was not closed."""
        is_open = any(not frame.block.is_closed for frame in self._frames)
        return is_open and any(name in _plans(frame.descriptor) for frame in self._frames)

    def _suggest(self, name: str) -> str | None:
        """Where else the name is a field, from the innermost block outwards, or how it is probably spelt."""
        own = self._frames[-1]
        if owners := _owners(own, name):
            return f"'{name}' belongs in {_some_of(owners)}"
        for frame in reversed(self._frames[:-1]):
            if name in _plans(frame.descriptor):
                return f"'{name}' belongs in '{frame.name}' itself, outside '{own.name}'"
            if owners := _owners(frame, name):
                return f"'{name}' belongs in {_some_of(owners)}"
        match = nearest(name, _plans(own.descriptor))
        return f"did you mean '{match}'?" if match else None


def _owners(frame: _Frame, name: str) -> list[str]:
    """The sub-messages that have such a field; of a layer only its type's own, if that is among them."""
    owners = [
        plan.name
        for plan in _plans(frame.descriptor).values()
        if plan.field.message_type is not None and name in plan.field.message_type.fields_by_name
    ]
    types = (field.value for field in frame.block.fields if field.name.text == "type")
    own = {f"{value.text[1:-1].lower()}param" for value in types if type(value) is Token}
    return [owner for owner in owners if owner.replace("_", "") in own] or owners


def _some_of(names: list[str]) -> str:
    return one_of(names) if len(names) <= 4 else f"{', '.join(names[:3])} or one of {len(names) - 3} more"


def _way_out(plan: _Plan, value: Value) -> str | None:
    """The help for a value that would fit if only it were written differently."""
    if type(value) is Block:
        return f"write {plan.name}: and the value"
    if type(value) is not Token or value.type == "EXTENSION":
        return None
    quotes = Token("STRING", f'"{value.text}"', value.start)
    if value.type != "STRING" and _fits(plan, quotes):
        return f"put it in quotes: {quotes.text}"
    bare, *rest = tokenize(value.text[1:-1])
    if value.type == "STRING" and len(rest) == 1 and _fits(plan, bare):
        return f"remove the quotes: {bare.text}"
    whole = Token("INTEGER", value.text.partition(".")[0], value.start)
    is_whole = value.type == "FLOAT" and value.text.rstrip("0").endswith(".")
    return f"write {whole.text}" if is_whole and _fits(plan, whole) else None


def _fits(plan: _Plan, token: Token) -> bool:
    assert plan.read is not None
    try:
        plan.read(token, plan.name)
    except Mismatch:
        return False
    return True
