"""Reading a scalar as its field's type: a reader returns the value or raises Mismatch."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from netspec.text.suggest import nearest, one_of
from netspec.text.syntax import Block, List, Strings, Token, Value

Reader: TypeAlias = Callable[[Value, str], Any]

_FEW = 8  # so many enum values are still listed in full
_GAP = re.compile(r"(?:\s|#[^\n]*\n)+")
_HEX = rb"[0-9a-fA-F]"
# Groups: octal, hexadecimal, UTF-16 (a surrogate pair is one character), a code point, the rest.
_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|[xX](%b{1,2})|u([dD][89abAB]%b\\u[dD][c-fC-F]%b|%b{4})|U(%b{8})|(.))"
    % (_HEX, _HEX * 2, _HEX * 2, _HEX, _HEX),
    re.DOTALL,
)
_PLAIN_ESCAPES = {
    b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v",
    b"\\": b"\\", b"'": b"'", b'"': b'"', b"?": b"?",
}  # fmt: skip
_BOOLS = {"true": True, "True": True, "t": True, "false": False, "False": False, "f": False}
_FLOAT_NAMES = {"inf", "infinity", "nan"}


class Mismatch(Exception):
    """The value does not fit its field; the text is the diagnostic's message."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


def _mismatch(expected: str, name: str, value: Value) -> Mismatch:
    return Mismatch(f"expected {expected} for '{name}', found {_described(value)}")


def _described(value: Value) -> str:
    if isinstance(value, Token):
        return (
            "a string"
            if value.type == "STRING"
            else f"'{value.text}'"
            if value.type == "NAME"
            else value.text
        )
    return {Strings: "a string", List: "a list", Block: "a block"}[type(value)]


def _integer(text: str) -> int:
    if text[0] not in "-0" and len(text) < 40:
        return int(text)
    sign = -1 if text[0] == "-" else 1
    digits = _GAP.sub("", text).lstrip("-")
    if len(digits) > 40:  # wider than any field, and int() refuses thousands of digits
        return sign << 99
    return sign * int(digits, 10 if digits[0] != "0" else 16 if digits[1:2] in {"x", "X"} else 8)


def _integer_reader(low: int, high: int) -> Reader:
    def read(value: Value, name: str) -> int:
        if type(value) is not Token or value.type != "INTEGER":
            raise _mismatch("an integer", name, value)
        number = _integer(value.text)
        if not low <= number <= high:
            raise Mismatch(f"{value.text} is out of range for '{name}': expected {low} to {high}")
        return number

    return read


def _read_float(value: Value, name: str) -> float:
    if type(value) is Token:
        text = value.text
        if value.type == "INTEGER":
            digits = _GAP.sub("", text) if text[0] == "-" else text
            if digits.lstrip("-")[0] == "0" and digits not in {"0", "-0"}:
                raise Mismatch(f"expected a decimal number for '{name}', found {text}")
            return float(digits)
        if value.type == "FLOAT":
            number = _GAP.sub("", text)
            return float(number if number[-3:].lower() == "inf" else number.rstrip("fF"))
        if value.type == "NAME" and text.lower() in _FLOAT_NAMES:
            return float(text)
    raise _mismatch("a number", name, value)


def _read_bool(value: Value, name: str) -> bool:
    if type(value) is Token:
        if value.type == "NAME" and value.text in _BOOLS:
            return _BOOLS[value.text]
        if value.type == "INTEGER" and _integer(value.text) in {0, 1}:
            return _integer(value.text) == 1
    raise _mismatch("true or false", name, value)


def _read_string(value: Value, name: str) -> str:
    if type(value) is Token and value.type == "STRING" and "\\" not in value.text and value.text.isascii():
        return value.text[1:-1]
    try:
        return _read_bytes(value, name).decode()
    except UnicodeDecodeError:
        raise Mismatch(f"the string for '{name}' is not valid UTF-8") from None


def _read_bytes(value: Value, name: str) -> bytes:
    parts = value.parts if type(value) is Strings else [value]
    return b"".join([_unescaped(part, name) for part in parts])


def _unescaped(part: Value, name: str) -> bytes:
    if type(part) is not Token or part.type != "STRING":
        raise _mismatch("a string", name, part)
    return _ESCAPE.sub(_escaped_bytes, part.text[1:-1].encode(errors="surrogatepass"))


def _escaped_bytes(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, utf16, utf32, plain = match.groups()
    try:
        if plain is not None:
            return _PLAIN_ESCAPES[plain]
        if utf16 is not None:
            return bytes.fromhex(utf16.decode().replace("\\u", "")).decode("utf-16-be").encode()
        if utf32 is not None:
            return bytes.fromhex(utf32.decode()).decode("utf-32-be").encode()
        return bytes([int(octal, 8) if octal is not None else int(hexadecimal, 16)])
    except (KeyError, ValueError):
        text = match[0].decode(errors="replace")
        raise Mismatch(f"unknown escape '{text}' in a string", r"a backslash itself is written \\") from None


def _enum_reader(enum: EnumDescriptor) -> Reader:
    numbers: dict[str, int] = {value.name: value.number for value in enum.values}
    known = frozenset(numbers.values())
    names = one_of(numbers) if len(numbers) <= _FEW else f"the names of {enum.name}"

    def read(value: Value, name: str) -> int:
        if type(value) is Token:
            number = numbers.get(value.text) if value.type == "NAME" else None
            if number is not None:
                return number
            if value.type == "INTEGER" and _integer(value.text) in known:
                return _integer(value.text)
            if value.type in {"NAME", "INTEGER"}:
                raise Mismatch(f"{_described(value)} is not a value of '{name}'", _choices(value.text))
        raise _mismatch(names, name, value)

    def _choices(text: str) -> str | None:
        match = nearest(text, numbers)
        guess = [f"did you mean '{match}'?"] if match else []
        listing = [f"expected {names}"] if len(numbers) <= _FEW else []
        return " ".join(guess + listing) or None

    return read


_READERS: dict[int, Reader] = {
    FieldDescriptor.CPPTYPE_INT32: _integer_reader(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: _integer_reader(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: _integer_reader(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: _integer_reader(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: _read_float,
    FieldDescriptor.CPPTYPE_FLOAT: _read_float,
    FieldDescriptor.CPPTYPE_BOOL: _read_bool,
}


def reader(field: FieldDescriptor) -> Reader:
    """How a value of a field that is no message is read."""
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return _read_bytes if field.type == FieldDescriptor.TYPE_BYTES else _read_string
    return _READERS[field.cpp_type]
