"""Everything that a user can cause and that netspec reports, as one small tree.

    NetspecError            carries the diagnostics; str() is the report that a person reads
    ├── ParseError          the text is not protobuf text format, or does not fit the schema
    ├── NetError            the net cannot be built: names, arity, parameters, states
    │   └── ShapeError      the shapes of a layer's bottoms do not fit its rule
    ├── DataError           a source of batches is missing, empty or broken
    ├── WeightsError        a file of parameters is missing, broken or of another net
    ├── SolverError         the solver's settings contradict each other or the net
    │   └── NotFiniteError  a loss or a parameter stopped being finite
    └── UsageError          the command line itself is wrong (exit status 2)

A bug of netspec's own is none of these and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from netspec.text.diagnostic import Diagnostic, Note, render
from netspec.text.source import Span

_E = TypeVar("_E", bound="NetspecError")


class NetspecError(Exception):
    """Base of all errors that a user can cause."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__(render(self.diagnostics))

    @classmethod
    def at(
        cls: type[_E],
        message: str,
        span: Span | None = None,
        *,
        help: str | None = None,
        notes: Iterable[Note] = (),
        file: str | None = None,
    ) -> _E:
        """An error of this class with a single diagnostic."""
        return cls([Diagnostic(message, span, help=help, notes=tuple(notes), file=file)])


class ParseError(NetspecError):
    """The text is not protobuf text format, or does not fit the schema."""


class NetError(NetspecError):
    """The net cannot be built."""


class ShapeError(NetError):
    """The shapes of a layer's bottoms do not fit its rule."""


class DataError(NetspecError):
    """A source of batches is missing, empty or broken."""


class WeightsError(NetspecError):
    """A file of parameters is missing, broken or of another net."""


class SolverError(NetspecError):
    """The solver's settings contradict each other or the net."""


class NotFiniteError(SolverError):
    """A loss or a parameter stopped being finite."""


class UsageError(NetspecError):
    """The command line is wrong."""
