"""Plain aligned text, the same at a terminal, in a pipe and in an error."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Rows under a header. ``align`` has a ``<`` or ``>`` for each column, to the left or to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (f"{cell:{side}{width}}" for cell, side, width in zip(cells, align, widths, strict=True))
        return "  ".join(padded).rstrip()

    return "\n".join(line(cells) for cells in [header, ["-" * width for width in widths], *rows])
