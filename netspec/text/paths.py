"""Paths that a text names."""

from __future__ import annotations

from pathlib import Path

from netspec.errors import NetError
from netspec.text.source import Span


def candidates(path: str, span: Span | None) -> list[Path]:
    """Where a path may point, in the order of trial: the working directory, then the folder of its text."""
    places = [Path(path)]
    folder = span.source.folder if span is not None else None
    if folder is not None and not places[0].is_absolute() and folder.resolve() != Path.cwd():
        places.append(folder / path)
    return places


def resolve(path: str, span: Span | None, whose: str) -> Path:
    """The existing file or folder that ``path`` means.

    Raises:
        NetError: there is none; the message names all places that were tried.
    """
    places = candidates(path, span)
    for place in places:
        if place.exists():
            return place
    tried = ", then ".join(f"'{place}'" for place in places)
    raise NetError.at(f"{whose}: no such file: '{path}'", span, help=f"looked for {tried}")
