"""Where each field of a bound message stands in the text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

from netspec.text.source import Source, Span
from netspec.text.syntax import Block, Strings, Token

Entry: TypeAlias = "Spans | Token | Strings"


class Spans:
    """The places of a message's fields in the text from which it was bound.

    ``span`` is the message's own place: the name of the field that holds it (in a list its opening brace),
    for the root the start of the text. ``entries`` keeps the syntax of what was written.
    """

    __slots__ = ("_place", "entries", "source")

    def __init__(self, source: Source, place: Token | Block | Strings) -> None:
        self.source = source
        self.entries: dict[str, list[Entry]] = {}
        self._place = place

    @property
    def span(self) -> Span:
        return Span(self.source, self._place.start, self._place.end)

    @property
    def fields(self) -> dict[str, list[Spans | Span]]:
        """The fields that were written, an item per element: a message's Spans, another value's Span."""
        return {
            name: [entry if isinstance(entry, Spans) else self._span(entry) for entry in entries]
            for name, entries in self.entries.items()
        }

    def at(self, *path: str | int) -> Span:
        """The place of a field, such as ``at("layer", 3, "convolution_param", "num_output")``.

        A scalar's is that of its value. Without an index, a repeated field means its first element. What is
        not written in the text has the place of the nearest message around it that is.
        """
        *_, entry = self._along(path)
        return entry.span if isinstance(entry, Spans) else self._span(entry)

    def sub(self, *path: str | int) -> Spans:
        """The Spans of a sub-message; where it is not written, an empty one at the nearest place around."""
        entries = list(self._along(path))
        steps = sum(isinstance(step, str) for step in path)
        messages = [entry for entry in entries if isinstance(entry, Spans)]
        return messages[-1] if len(messages) == steps + 1 else Spans(self.source, messages[-1]._place)

    def placed(self, entries: dict[str, list[Entry]], *at: str | int) -> Spans:
        """The Spans of a message that a pass made: at the field ``at``, with fields from elsewhere."""
        *_, entry = self._along(at)
        made = Spans(self.source, entry._place if isinstance(entry, Spans) else entry)
        made.entries = entries
        return made

    def _span(self, entry: Token | Strings) -> Span:
        return Span(self.source, entry.start, entry.end)

    def _along(self, path: tuple[str | int, ...]) -> Iterator[Entry]:
        """This message, then what each name of the path leads to, for as long as it leads somewhere."""
        here: Entry = self
        yield here
        for name, following in pairwise((*path, 0)):
            if isinstance(name, int):
                continue
            entries = here.entries.get(name, []) if isinstance(here, Spans) else []
            index = following if isinstance(following, int) else 0
            if not -len(entries) <= index < len(entries):
                return
            here = entries[index]
            yield here
