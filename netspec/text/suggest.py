"""What a misspelt name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate closest to ``name``, whatever their case; None where nothing is close."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    match = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.7)
    return by_folded[match[0]] if match else None


def one_of(names: Iterable[str]) -> str:
    """The names as a choice in a sentence: 'a', 'a or b', 'a, b or c'."""
    *head, last = names
    return f"{', '.join(head)} or {last}" if head else last
