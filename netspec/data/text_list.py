"""Text files that name data, a line for each."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from netspec.errors import DataError
from netspec.text.source import Source, Span

SHOWN = 10  # errors of one list that are worth reading


class TextList:
    """The lines of a list that are not blank, stripped, and where they stand.

    Attributes:
        digest: tells this list from one with other lines, or the same in another order.

    Args:
        path: the file.
        kind: what the messages call it: "image list".
        line: what a line of it holds, for the message about an empty list.

    Raises:
        DataError: the file cannot be read, or has nothing but blank lines.
    """

    def __init__(self, path: Path, kind: str, line: str) -> None:
        try:
            text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")  # Windows marks its texts
        except OSError as error:
            raise DataError.at(f"cannot read the {kind}: {error.strerror}", file=str(path)) from error
        self.source = Source(str(path), text, path)
        self.digest = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        self.lines: list[str] = []
        self._starts: list[int] = []
        offset = 0
        for raw in text.split("\n"):
            if stripped := raw.strip():
                self.lines.append(stripped)
                self._starts.append(offset + len(raw) - len(raw.lstrip()))
            offset += len(raw) + 1
        if not self.lines:
            raise DataError.at(f"the {kind} is empty", file=str(path), help=f"expected {line}")

    def span(self, index: int, start: int = 0, length: int | None = None) -> Span:
        """The place of a line, or of some characters of it."""
        length = len(self.lines[index]) - start if length is None else length
        start += self._starts[index]
        return Span(self.source, start, start + length)
