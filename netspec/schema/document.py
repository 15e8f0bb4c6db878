"""A bound text: the typed message together with where everything in it stands."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Generic, TypeVar

from netspec.errors import ParseError
from netspec.schema.binder import bind
from netspec.schema.messages import Message, NetParameter, SolverParameter
from netspec.schema.spans import Spans
from netspec.text.diagnostic import Diagnostic, in_text_order
from netspec.text.parser import parse, read_source
from netspec.text.printer import print_message
from netspec.text.source import Source, Span
from netspec.text.syntax import Block

__all__ = ["Document", "Spans", "load_document", "parse_net", "parse_solver", "read_document"]

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Document(Generic[M]):
    """A message, the places of its fields, the text they point into, and what is odd but no error."""

    message: M
    spans: Spans
    source: Source
    warnings: tuple[Diagnostic, ...] = ()

    @classmethod
    def from_message(cls, message: M, name: str = "<message>") -> Document[M]:
        """A document for a message that never was text: it is printed, so that its fields have places.

        Raises ParseError where a required field is not set.
        """
        return load_document(Source(name, print_message(message)), type(message))


def load_document(source: str | PathLike[str] | Source, message_class: type[M]) -> Document[M]:
    """Reads, parses and binds a text. Raises ParseError with all errors of the file, in text order."""
    document, diagnostics = read_document(source, message_class)
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
    if document is None or errors:
        raise ParseError(errors)
    return document


def read_document(
    source: str | PathLike[str] | Source, message_class: type[M]
) -> tuple[Document[M] | None, list[Diagnostic]]:
    """As ``load_document``, but collects: what could be bound, and all errors and warnings in text order.

    The document is None only where the file cannot be read at all.
    """
    if not isinstance(source, Source):
        try:
            source = read_source(source)
        except ParseError as error:
            return None, list(error.diagnostics)
    block, syntax_errors = parse(source)
    if mistaken := _mistaken(block, source, message_class):
        return Document(message_class(), Spans(source, block), source), [mistaken]
    message, spans, found = bind(block, source, message_class, is_whole=not syntax_errors)
    diagnostics = in_text_order([*syntax_errors, *found])
    warnings = tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "warning")
    return Document(message, spans, source, warnings), diagnostics


def _mistaken(block: Block, source: Source, message_class: type[Message]) -> Diagnostic | None:
    """Says that a net was given for a solver, or a solver for a net: one finding instead of one per field."""
    kinds: dict[type[Message], str] = {NetParameter: "a net", SolverParameter: "a solver"}
    if message_class not in kinds:
        return None
    (other,) = kinds.keys() - {message_class}
    own, others = (set(cls.DESCRIPTOR.fields_by_name) for cls in (message_class, other))
    foreign = [field.name for field in block.fields if field.name.text in others - own]
    if not foreign or any(field.name.text in own for field in block.fields):
        return None
    span = Span(source, foreign[0].start, foreign[0].end)
    message = f"expected {kinds[message_class]}, but '{foreign[0].text}' is a field of {kinds[other]}"
    return Diagnostic(message, span, help="is it the right file?")


def parse_net(source: str | PathLike[str] | Source) -> NetParameter:
    """The net that a prototxt describes, as it was written: no layer is left out, nothing is upgraded.

    Raises:
        ParseError: all errors of the file, in the order of the text.
    """
    return load_document(source, NetParameter).message


def parse_solver(source: str | PathLike[str] | Source) -> SolverParameter:
    """The settings that a solver's prototxt describes.

    Raises:
        ParseError: all errors of the file, in the order of the text.
    """
    return load_document(source, SolverParameter).message
