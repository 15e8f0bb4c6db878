"""The protobuf wire format itself: read from a mapped file without copies, and written.

Why not the message classes: forks of Caffe gave the same field number to different messages (148 is
``st_param`` in one and ``clip_param`` in another), so of a layer only what all of them agree on may be looked
at; and protobuf copies every number and stops at 2 GB.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netspec.errors import WeightsError

Floats = npt.NDArray[np.floating]
Parts = list[bytes | memoryview]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_FIXED = {FIXED64: struct.Struct("<q"), FIXED32: struct.Struct("<i")}
_LONGEST_VARINT = 10
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Reader:
    """The bytes of one message: ``data`` starts at byte ``offset`` of ``file``, which has ``size`` bytes."""

    data: memoryview
    file: str
    size: int
    offset: int = 0

    def error(self, message: str, at: int = 0) -> WeightsError:
        """An error about byte ``at`` of this message."""
        help = f"the file may be truncated or damaged: it has {self.size} bytes"
        return WeightsError.at(f"byte {self.offset + at}: {message}", file=self.file, help=help)

    def fields(self) -> Iterator[Field]:
        """The message's fields in the order of the file.

        Raises:
            WeightsError: a field is cut off, or looks like no field that could be.
        """
        at = 0
        while at < len(self.data):
            start = at
            key, at = self.varint(at)
            number, kind = key >> 3, key & 7
            if not 0 < number < 1 << 29:
                raise self.error(f"expected a field, not one with the number {number}", start)
            size, at = self._size(kind, number, at, start)
            if at + size > len(self.data):
                left = len(self.data) - at
                raise self.error(f"expected {size} bytes of field {number}, but only {left} are left", start)
            yield Field(self, number, kind, start, at, at + size)
            at += size

    def varint(self, at: int) -> tuple[int, int]:
        """The variable-length number at ``at``, and where it ends."""
        value = shift = 0
        for end, byte in enumerate(self.data[at : at + _LONGEST_VARINT], at + 1):
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & _MASK, end
            shift += 7
        raise self.error("expected the end of a variable-length number", at)

    def _size(self, kind: int, number: int, at: int, start: int) -> tuple[int, int]:
        """How many bytes a field's value has, and where they start."""
        if kind == VARINT:
            return self.varint(at)[1] - at, at
        if kind == BYTES:
            return self.varint(at)
        if kind in _FIXED:
            return _FIXED[kind].size, at
        raise self.error(f"expected a field, not one of wire type {kind} (number {number})", start)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its key stands at ``start``, its value from ``first`` up to ``end``."""

    reader: Reader
    number: int
    kind: int
    start: int
    first: int
    end: int

    def error(self, message: str) -> WeightsError:
        """An error about this field."""
        return self.reader.error(f"field {self.number}: {message}", self.start)

    def integer(self) -> int:
        """The signed integer that the field holds. Raises WeightsError where it holds none."""
        self._expect(VARINT, "an integer")
        return _signed(self.reader.varint(self.first)[0])

    def bytes(self) -> memoryview:
        """The field's bytes. Raises WeightsError where it holds a number."""
        self._expect(BYTES, "bytes")
        return self._value

    def text(self) -> str:
        """The field's text; bytes that are no UTF-8 are replaced, since a name may be in any encoding."""
        return str(self.bytes(), "utf-8", "replace")

    def message(self) -> Reader:
        """The message that the field holds. Raises WeightsError where it holds a number."""
        outer = self.reader
        return Reader(self.bytes(), outer.file, outer.size, outer.offset + self.first)

    def integers(self) -> list[int]:
        """The integers of a repeated field, packed into this one or a single one."""
        if self.kind == VARINT:
            return [self.integer()]
        reader, at, values = self.message(), 0, []
        while at < len(reader.data):
            value, at = reader.varint(at)
            values.append(_signed(value))
        return values

    def floats(self, dtype: str) -> Floats:
        """The numbers (``<f2``, ``<f4``, ``<f8``) of a repeated field, packed or a single one: a view of the
        file."""
        width = np.dtype(dtype).itemsize
        if self.kind != BYTES:
            self._expect(FIXED32 if width == 4 else FIXED64, f"numbers of {width} bytes")
        if len(self._value) % width:
            raise self.error(f"expected numbers of {width} bytes, not {len(self._value)} bytes")
        return np.frombuffer(self._value, dtype)

    @property
    def _value(self) -> memoryview:
        return self.reader.data[self.first : self.end]

    def _expect(self, kind: int, what: str) -> None:
        if self.kind != kind:
            raise self.error(f"expected {what}, not wire type {self.kind}")


def open_message(path: Path) -> Reader:
    """The message that a file holds, mapped into memory: what is read from it are views of the file.

    Raises:
        WeightsError: the file is missing, unreadable or empty.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size == 0:
                raise WeightsError.at(
                    "the file is empty", file=str(path), help="was its writing interrupted?"
                )
            return Reader(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)), str(path), size)
    except FileNotFoundError as error:
        raise WeightsError.at("no such file", file=str(path)) from error
    except OSError as error:
        raise WeightsError.at(f"cannot be read: {error.strerror or error}", file=str(path)) from error


def put_integer(number: int, value: int) -> Parts:
    """A field that holds an integer."""
    return [_varint(number << 3 | VARINT), _varint(value & _MASK)]


def put_bytes(number: int, *parts: bytes | memoryview) -> Parts:
    """A field that holds bytes, or a message made of ``parts``."""
    size = sum(part.nbytes if isinstance(part, memoryview) else len(part) for part in parts)
    return [_varint(number << 3 | BYTES), _varint(size), *parts]


def put_text(number: int, text: str) -> Parts:
    """A field that holds text."""
    return put_bytes(number, text.encode("utf-8", "surrogateescape"))


def put_integers(number: int, values: Iterable[int]) -> Parts:
    """A repeated field of integers, packed."""
    return put_bytes(number, b"".join(_varint(value & _MASK) for value in values))


def put_floats(number: int, values: Floats) -> Parts:
    """A repeated field of float32 or float64, packed: a view of ``values``."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return put_bytes(number, little.reshape(-1).view(np.uint8).data)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
