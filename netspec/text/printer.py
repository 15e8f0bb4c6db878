"""From message to text, in the style in which Caffe's own files are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor

_ESCAPES = str.maketrans({"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"})


def print_message(message: Any) -> str:
    """The message as prototxt: a field a line in the order of numbers, two blanks of indent, enums by name.

    The text parses back to an equal message: a float has the fewest digits that give the same number again.
    """
    return "".join(f"{line}\n" for line in _lines(message, ""))


def _lines(message: Any, indent: str) -> Iterator[str]:
    for field, value in message.ListFields():
        for element in value if _holds_several(value) else (value,):
            if field.message_type is None:
                yield f"{indent}{field.name}: {_scalar(field, element)}"
            else:
                yield f"{indent}{field.name} {{"
                yield from _lines(element, f"{indent}  ")
                yield f"{indent}}}"


def _holds_several(value: Any) -> bool:
    return hasattr(value, "extend")  # the containers of protobuf's implementations share no public type


def _scalar(field: FieldDescriptor, value: Any) -> str:
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return str(value) if named is None else str(named.name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value, is_single=field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT)
    if isinstance(value, (str, bytes)):
        return _quoted(value)
    return str(value)


def _float(value: float, *, is_single: bool) -> str:
    if value.is_integer() and 0 < abs(value) < 1e15:  # numpy's versions differ in when they turn to exponents
        return str(int(value))
    return str(np.float32(value) if is_single else np.float64(value)).removesuffix(".0")


def _quoted(value: str | bytes) -> str:
    text = value if isinstance(value, str) else value.decode("ascii", errors="surrogateescape")
    escaped = text.translate(_ESCAPES)
    return f'"{escaped if escaped.isprintable() else "".join(map(_printable, escaped))}"'


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return "".join(f"\\{byte:03o}" for byte in char.encode(errors="surrogateescape"))
