"""What went wrong, where, and what to do about it; and the one function that draws it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from netspec.text.source import Span


@dataclass(frozen=True, slots=True)
class Note:
    """A second place (or a bare remark) that explains a diagnostic: 'first defined here'."""

    message: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. ``file`` names the culprit where there is no text to point into (a binary, an image)."""

    message: str
    span: Span | None = None
    help: str | None = None
    notes: tuple[Note, ...] = ()
    severity: Literal["error", "warning"] = "error"
    file: str | None = None


_WIDEST = 160  # of a longer line only the part around the span is shown


def _excerpt(span: Span) -> list[str]:
    line, column = span.source.position(span.start)
    text = span.source.line(line)
    if len(text) > _WIDEST:
        first = max(0, column - 1 - _WIDEST // 4)
        text, column = text[first : first + _WIDEST], column - first
    # Text from anywhere may hold codes that a terminal obeys.
    text = "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text)
    width = max(1, min(span.end - span.start, len(text) - column + 1))
    # The marker line copies the tabs in front of the span, so that it lines up whatever a tab's width is.
    lead = "".join("\t" if char == "\t" else " " for char in text[: column - 1])
    return [f"{line:>5} | {text}", f"{'':>5} | {lead}{'^' * width}"]


def _draw(severity: str, message: str, span: Span | None, file: str | None) -> list[str]:
    where = str(span) if span is not None else file
    head = f"{where}: {severity}: {message}" if where is not None else f"{severity}: {message}"
    # What is missing from a text has the start of it for a place, but nothing there to be shown.
    return [head, *(_excerpt(span) if span is not None and span.end > 0 else ())]


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """The diagnostics as text for people: place, message, the line with the span marked, notes and help."""
    lines: list[str] = []
    for diagnostic in diagnostics:
        lines += _draw(diagnostic.severity, diagnostic.message, diagnostic.span, diagnostic.file)
        for note in diagnostic.notes:
            lines += _draw("note", note.message, note.span, None)
        if diagnostic.help is not None:
            lines.append(f"   help: {diagnostic.help}")
    return "\n".join(lines)


def in_text_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file, then by place; those without a place keep their order at the end."""

    def key(diagnostic: Diagnostic) -> tuple[bool, str, int]:
        span = diagnostic.span
        return (span is None, span.source.name if span else "", span.start if span else 0)

    return sorted(diagnostics, key=key)
