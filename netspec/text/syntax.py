"""The syntax tree: what was written and where, before anything is known about field types."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Token:
    """A terminal of grammar.lark, or one of the broken pieces that the lexer names when nothing fits."""

    __slots__ = ("start", "text", "type")

    def __init__(self, type: str, text: str, start: int) -> None:
        self.type = type
        self.text = text
        self.start = start

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def __repr__(self) -> str:
        return f"Token({self.type}, {self.text!r}, {self.start})"


class Strings(NamedTuple):
    """Adjacent string literals, which together are one value."""

    parts: list[Token]

    @property
    def start(self) -> int:
        return self.parts[0].start

    @property
    def end(self) -> int:
        return self.parts[-1].end


class Block:
    """A message: the fields between an opening and a closing brace. The root has neither brace."""

    __slots__ = ("closing", "fields", "opening")

    def __init__(
        self, fields: list[Field], opening: Token | None = None, closing: Token | None = None
    ) -> None:
        self.fields = fields
        self.opening = opening
        self.closing = closing

    @property
    def start(self) -> int:
        return self.opening.start if self.opening is not None else 0

    @property
    def end(self) -> int:
        return self.opening.end if self.opening is not None else 0

    @property
    def is_closed(self) -> bool:
        """False where the text ended first, and the parser closed the block itself."""
        return self.closing is None or self.closing.text != ""


class List(NamedTuple):
    """Values in square brackets."""

    opening: Token
    items: list[Token | Strings | Block]
    closing: Token

    @property
    def start(self) -> int:
        return self.opening.start

    @property
    def end(self) -> int:
        return self.closing.end


Value: TypeAlias = "Token | Strings | Block | List"


class Field:
    """A name and its value. An extension's name is a token of type EXTENSION, brackets included."""

    __slots__ = ("name", "value")

    def __init__(self, name: Token, value: Value) -> None:
        self.name = name
        self.value = value
