"""From text to syntax tree: the lexer, the callbacks of grammar.lark, and a loop that survives errors.

lark builds the LALR tables and runs them; its interactive parser is fed token by token, so that after an
error ``recovery`` can bring it to a place from which the rest of the file is still understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from lark import Lark, Transformer, UnexpectedToken

from netspec.errors import ParseError
from netspec.text.diagnostic import Diagnostic
from netspec.text.recovery import Recovery, Unrecoverable
from netspec.text.source import Source, Span
from netspec.text.suggest import nearest
from netspec.text.syntax import Block, Field, List, Strings, Token

MAX_DEPTH = 100

# What the lexer calls text that is no terminal: tried last, so that every character belongs to some token.
_BROKEN = (
    r"(?P<UNTERMINATED>\"[^\"\\\r\n]*(?:\\[^\r\n][^\"\\\r\n]*)*\\?|'[^'\\\r\n]*(?:\\[^\r\n][^'\\\r\n]*)*\\?)"
    r"|(?P<MALFORMED>[-+]?\.?[0-9](?:[\w.]|(?<=[eE])[+-])*|[-+]\w*|[A-Za-z_][\w.\/-]*)"
    r"|(?P<FOREIGN>[^\s\w\"'{}<>\[\]:,;#+.-]+|.)"
)


class Items(list[Any]):
    """The values of an open list; a class of its own tells them from a block's fields on the stack."""


class _Tree(Transformer[Any, Any]):
    """The callbacks of grammar.lark: each gets the values of its alternative's symbols, in order."""

    def document(self, children: list[Any]) -> Block:
        return Block(children[0])

    def no_fields(self, _: list[Any]) -> list[Field]:
        return []

    def field(self, children: list[Any]) -> list[Field]:
        fields: list[Field] = children[0]
        fields.append(Field(children[1], children[3]))
        return fields

    def bare_field(self, children: list[Any]) -> list[Field]:
        fields: list[Field] = children[0]
        fields.append(Field(children[1], children[2]))
        return fields

    def extension(self, children: list[Token]) -> Token:
        return Token("EXTENSION", f"[{children[1].text}]", children[0].start)

    def strings(self, children: list[Any]) -> Strings:
        first, second = children
        if type(first) is not Strings:
            return Strings(children)
        first.parts.append(second)
        return first

    def array(self, children: list[Any]) -> List:
        return List(children[0], children[1] if len(children) == 3 else [], children[-1])

    def first_item(self, children: list[Any]) -> Items:
        return Items(children)

    def next_item(self, children: list[Any]) -> Items:
        items: Items = children[0]
        items.append(children[2])
        return items

    def block(self, children: list[Any]) -> Block:
        return Block(children[1], children[0], children[2])


@cache
def _lark() -> Lark:
    grammar = files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start="document",
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=_Tree(),
    )


@cache
def _token_pattern() -> re.Pattern[str]:
    """All terminals of the grammar as one expression that matches at every place of every text.

    lark's own lexer counts lines for each token; here a token is its offset, and the blanks and comments in
    front of it are part of the same match.
    """
    lark = _lark()
    patterns = {terminal.name: terminal.pattern.to_regexp() for terminal in lark.terminals}
    skipped = "|".join(patterns.pop(name) for name in lark.ignore_tokens)
    named = "|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items())
    return re.compile(rf"(?:{skipped})*(?:{named}|(?P<END>\Z)|{_BROKEN})", re.ASCII | re.DOTALL)


def tokenize(text: str) -> Iterator[Token]:
    """The tokens of a text, the last of type $END. No text fails: what fits nowhere is a broken token."""
    depth = 0
    for match in _token_pattern().finditer(text, 1 if text.startswith("\ufeff") else 0):
        kind: str = match.lastgroup  # type: ignore[assignment]  # every alternative is a named group
        start, end = match.span(kind)
        if kind == "END":
            yield Token("$END", "", start)
            return  # an empty match would follow
        if kind == "LBRACE" or kind == "LESSTHAN":
            depth += 1
            kind = kind if depth <= MAX_DEPTH else "TOO_DEEP"
        elif kind == "RBRACE" or kind == "MORETHAN":
            depth -= 1
        yield Token(kind, text[start:end], start)


def parse(source: Source) -> tuple[Block, list[Diagnostic]]:
    """The syntax tree of a text, and its syntax errors in the order in which they were met.

    Where there are errors the tree holds what could be understood around them.
    """
    tokens = tokenize(source.text)
    state = _lark().parse_interactive().parser_state
    recovery = Recovery(source, state, tokens)
    feed: Callable[[Any, bool], Block | None] = state.feed_token
    tree: Block | None = None
    try:
        for token in tokens:
            try:
                tree = feed(token, token.type == "$END")
            except UnexpectedToken:
                tree = recovery.resume(token)
    except Unrecoverable:
        pass
    if tree is None:  # given up: what was finished by then lies at the bottom of the stack
        stack = state.value_stack
        tree = Block(stack[0] if stack and type(stack[0]) is list else [])
    return tree, recovery.diagnostics


def read_source(path: str | PathLike[str]) -> Source:
    """Reads a text file; the source's name is the path as it was given. A byte order mark is dropped.

    Raises ParseError where there is no such file, it cannot be read, or it is not UTF-8.
    """
    name, path = fspath(path), Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ParseError.at("no such file", file=name, help=_similar_file(path)) from None
    except IsADirectoryError:
        raise ParseError.at("is a folder", file=name, help="name a file in it") from None
    except (OSError, ValueError) as error:
        raise ParseError.at(
            f"cannot be read: {getattr(error, 'strerror', None) or error}", file=name
        ) from None
    try:
        return Source(name, data.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise _not_utf8(name, path, data, error) from None


def _similar_file(path: Path) -> str | None:
    try:
        match = nearest(
            path.name, [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
        )
    except OSError:
        return f"the folder '{path.parent}' cannot be listed"
    return f"did you mean '{path.with_name(match)}'?" if match else None


def _not_utf8(name: str, path: Path, data: bytes, error: UnicodeDecodeError) -> ParseError:
    text = data.decode("utf-8-sig", errors="replace")
    at = len(error.object[: error.start].decode())  # the object no longer has the byte order mark
    return ParseError.at(
        f"byte 0x{error.object[error.start]:02x} is not UTF-8",
        Span(Source(name, text, path), at, at + 1),
        help="save the file as UTF-8; a binary file, such as a .caffemodel, is not read as text",
    )
