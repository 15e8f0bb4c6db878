"""What happens at a syntax error: a diagnostic in plain words, and a parser brought to where it can go on.

The parser's value stack tells what was being read. Above the fields of the innermost open block lie only the
pieces of one unfinished field: ``NAME``, ``NAME :``, ``NAME : value`` or ``NAME : [ items``. What cannot be
mended is dropped down to there, so that a mistake costs one field and not the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NoReturn, Protocol

from lark import UnexpectedToken

from netspec.text.diagnostic import Diagnostic, Note
from netspec.text.source import Source, Span
from netspec.text.syntax import Block, Token

MAX_ERRORS = 20

_CLOSER_OF = {"LBRACE": ("RBRACE", "}"), "LESSTHAN": ("MORETHAN", ">")}
_OPENERS = {"LBRACE", "LESSTHAN", "LSQB", "TOO_DEEP"}
_CLOSERS = {"RBRACE", "MORETHAN"}
_ENDS = _CLOSERS | {"$END"}
_LITERALS = {"STRING", "INTEGER", "FLOAT"}
_BROKEN = {"UNTERMINATED", "MALFORMED", "FOREIGN", "QUALIFIED"}
_IN_QUOTES = "text is written in quotes"


class Unrecoverable(Exception):
    """Reading on makes no sense; the last diagnostic says why."""


class State(Protocol):
    """What is used of lark's parser state. The two stacks grow together, above an initial state."""

    value_stack: list[Any]
    state_stack: list[Any]

    def feed_token(self, token: Any, is_end: bool = False) -> Any: ...


def _shown(token: Token) -> str:
    if token.type == "$END":
        return "the end of the text"
    if not token.text.isprintable():
        return " ".join(f"U+{ord(char):04X}" for char in token.text[:3])
    return f"'{token.text}'" if len(token.text) <= 30 else f"'{token.text[:27]}...'"


def _is(value: object, types: Iterable[str]) -> bool:
    return isinstance(value, Token) and value.type in types


class Recovery:
    """Mends the parse of one text; ``tokens`` is the very iterator that the parser reads from.

    The methods named after a place in a field get the token that did not fit there. They return the finished
    tree if what they fed reached the end of the text, as ``feed`` does, and otherwise None.
    """

    def __init__(self, source: Source, state: State, tokens: Iterator[Token]) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._source = source
        self._state = state
        self._tokens = tokens
        self._list_reported: Token | None = None

    def resume(self, token: Token) -> Block | None:
        """Reports ``token``, which does not fit, and goes on as well as can be."""
        self._finish_bracket()
        pieces = self._pieces()
        if token.type == "TOO_DEEP":
            self._stop("blocks are nested too deeply", token)
        if token.type in _BROKEN and not (token.text == "=" and len(pieces) == 1):
            return self._broken(token, pieces)
        if not pieces:
            return self._at_field(token)
        if _is(pieces[0], {"LSQB"}):
            return self._in_extension(token, pieces)
        if len(pieces) == 1:
            return self._after_name(token, pieces[0])
        opening = next((piece for piece in pieces if _is(piece, {"LSQB"})), None)
        if opening is not None:
            return self._in_list(token, pieces, opening)
        if len(pieces) == 2 and _is(pieces[1], {"COLON"}):
            return self._at_value(token, pieces)
        return self._after_value(token, pieces)

    def feed(self, *tokens: Token) -> Block | None:
        """Feeds tokens to the parser, mending where one does not fit."""
        tree: Block | None = None
        for token in tokens:
            try:
                tree = self._state.feed_token(token, token.type == "$END")
            except UnexpectedToken:
                tree = self.resume(token)
        return tree

    def _pieces(self) -> list[Any]:
        values = self._state.value_stack
        start = len(values)
        while start and type(values[start - 1]) is not list and not _is(values[start - 1], _CLOSER_OF):
            start -= 1
        return values[start:]

    def _finish_bracket(self) -> None:
        """Makes one value of brackets that are complete but still wait for a token that may follow."""
        if _is(next(reversed(self._state.value_stack), None), _CLOSERS | {"RSQB"}):
            is_extension = _is(self._pieces()[0], {"LSQB"})
            self._state.feed_token(Token("COLON" if is_extension else "COMMA", "", 0))
            self._drop(1)

    def _drop(self, count: int) -> None:
        if count:
            del self._state.value_stack[-count:], self._state.state_stack[-count:]

    def _error(self, message: str, first: Token, last: Token | None = None, **more: Any) -> None:
        span = Span(self._source, first.start, (last or first).end)
        self.diagnostics.append(Diagnostic(message, span, **more))
        if len(self.diagnostics) == MAX_ERRORS:
            self._stop("too many errors: the rest of the text was not read", last or first)

    def _stop(self, message: str, token: Token) -> NoReturn:
        self.diagnostics.append(Diagnostic(message, Span(self._source, token.start, token.end)))
        raise Unrecoverable

    def _same_line(self, before: Token, token: Token) -> bool:
        return "\n" not in self._source.text[before.end : token.start]

    def _skip(self, token: Token, *, to_bracket: bool = False) -> Block | None:
        """Goes on behind the line of ``token`` or the next ']', not beyond the block nor within another."""
        line_end = self._source.text.find("\n", token.start)
        depth = 0
        for skipped in chain([token], self._tokens):
            is_past = not to_bracket and -1 < line_end < skipped.start
            if skipped.type == "$END" or (depth == 0 and (is_past or skipped.type in _CLOSERS)):
                return self.feed(skipped)
            if skipped.type == "RSQB" and depth == 0 and to_bracket:
                return None
            depth += (skipped.type in _OPENERS) - (skipped.type in _CLOSERS or skipped.type == "RSQB")
            depth = max(depth, 0)
        return None

    def _broken(self, token: Token, pieces: list[Any]) -> Block | None:
        wants_value = len(pieces) > 1 and _is(pieces[-1], {"COLON", "LSQB", "COMMA"})
        is_word = token.type != "MALFORMED" and token.text != "=" and token.text.isprintable()
        help = _IN_QUOTES if wants_value and is_word else None
        if token.type == "UNTERMINATED":
            self._error("unterminated string", token, help=f"close it with {token.text[0]} on the same line")
        elif token.type == "MALFORMED":
            kind = "name" if token.text[0].isalpha() or token.text[0] == "_" else "number"
            self._error(f"malformed {kind} {_shown(token)}", token, help=help)
        elif token.type == "QUALIFIED":
            what = "a value" if pieces else "a field name"
            self._error(f"expected {what}, found {_shown(token)}", token, help=help)
        else:
            self._error(f"unexpected character {_shown(token)}", token, help=help)
        self._drop(len(pieces))
        return self._skip(token, to_bracket=any(_is(piece, {"LSQB"}) for piece in pieces))

    def _at_field(self, token: Token) -> Block | None:
        if token.type in _ENDS:
            return self._at_end_of_block(token)
        if token.type in _CLOSER_OF:
            self._error(f"expected a field name before {_shown(token)}", token)
            return self._skip(token)
        self._error(f"expected a field name, found {_shown(token)}", token)
        return None if token.type in {"COMMA", "SEMICOLON"} else self._skip(token)

    def _at_end_of_block(self, token: Token) -> Block | None:
        opening = next((value for value in reversed(self._state.value_stack) if _is(value, _CLOSER_OF)), None)
        if opening is None:
            self._error(f"this {_shown(token)} closes nothing", token)
            return None
        kind, text = _CLOSER_OF[opening.type]
        if token.type == "$END":
            self._error(f"this '{opening.text}' is never closed", opening)
            return self.feed(Token(kind, "", token.start), token)
        note = Note("the block begins here", Span(self._source, opening.start, opening.end))
        self._error(f"expected '{text}', found {_shown(token)}", token, notes=(note,))
        return self.feed(Token(kind, token.text, token.start))

    def _after_name(self, token: Token, name: Token) -> Block | None:
        colon = Token("COLON", ":", name.end)
        if token.text == "=":
            self._error(f"expected ':' after '{name.text}', found '='", token)
            return self.feed(colon)
        if token.type in _LITERALS or (token.type == "NAME" and self._same_line(name, token)):
            self._error(f"expected ':' after '{name.text}'", name)
            return self.feed(colon, token)
        self._error(f"expected ':' and a value, or a block, after '{name.text}'", name)
        self._drop(1)
        return self._resume_unless_separator(token)

    def _at_value(self, token: Token, pieces: list[Any]) -> Block | None:
        name, colon = pieces
        if token.type == "COLON":
            self._error(f"expected a value after '{name.text}:', found ':'", token)
            return None
        self._error(f"expected a value after '{name.text}:'", name, colon)
        self._drop(2)
        return self._resume_unless_separator(token)

    def _resume_unless_separator(self, token: Token) -> Block | None:
        return None if token.type in {"COMMA", "SEMICOLON", "RSQB"} else self.feed(token)

    def _after_value(self, token: Token, pieces: list[Any]) -> Block | None:
        value = pieces[-1]
        if len(pieces) == 3 and _is(value, {"NAME"}) and token.type in {"COLON", *_CLOSER_OF}:
            # 'kernel_size:' without its value has taken the next field's name for one.
            self._error(f"expected a value after '{pieces[0].text}:'", pieces[0], pieces[1])
            self._drop(3)
            return self.feed(value, token)
        # The next name is what makes the parser take the field that lies finished on its stack.
        self._state.feed_token(Token("NAME", "", token.start))
        self._drop(1)
        return self._at_field(token)

    def _in_extension(self, token: Token, pieces: list[Any]) -> Block | None:
        self._error("expected a field name, found '['", pieces[0])
        self._drop(len(pieces))
        return self._skip(token, to_bracket=True)

    def _in_list(self, token: Token, pieces: list[Any], opening: Token) -> Block | None:
        last = pieces[-1]
        if _is(last, {"LSQB", "COMMA"}):
            return self._at_item(token, pieces, opening)
        takes_comma = token.type in _LITERALS | {"LBRACE", "LESSTHAN", "SEMICOLON"}
        if takes_comma or (token.type == "NAME" and self._same_line(opening, token)):
            if self._list_reported is not opening:
                self._error(f"expected ',' or ']' before {_shown(token)}", token)
                self._list_reported = opening
            comma = Token("COMMA", ",", token.start)
            return self.feed(comma) if token.type == "SEMICOLON" else self.feed(comma, token)
        self._error("this '[' is never closed", opening)
        self._drop(len(pieces))
        is_field = _is(last, {"NAME"}) and token.type == "COLON"
        return self.feed(last, token) if is_field else self._resume_unless_separator(token)

    def _at_item(self, token: Token, pieces: list[Any], opening: Token) -> Block | None:
        if token.type == "RSQB":
            self._error("expected a value after ','", pieces[-1])
            self._drop(1)
            return self.feed(token)
        if token.type == "COMMA":
            self._error("expected a value before ','", token)
            return None
        if token.type in _ENDS:
            self._error("this '[' is never closed", opening)
            self._drop(len(pieces))
            return self.feed(token)
        self._error(f"expected a value, found {_shown(token)}", token)
        self._drop(len(pieces))
        return self._skip(token, to_bracket=True)
