"""Builds what netspec/schema/ loads from proto/netspec.proto.

    python tools/build_schema.py            # after an edit of the .proto
    python tools/build_schema.py --check    # exit status 1 where the committed files are stale

Two files come out: ``netspec.binpb``, the schema as a serialized FileDescriptorSet, and ``messages.pyi``, the
types of the message classes that ``netspec.schema.messages`` makes of it. protoc comes with grpcio-tools.
"""

from __future__ import annotations

import argparse
import keyword
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[1]
PROTO = ROOT / "proto" / "netspec.proto"
DESCRIPTORS = ROOT / "netspec" / "schema" / "netspec.binpb"
STUBS = ROOT / "netspec" / "schema" / "messages.pyi"

_PRELUDE = '''\
"""Types of the message classes. Written by tools/build_schema.py from proto/netspec.proto: do not edit."""

from abc import ABCMeta
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from typing import Any, ClassVar, TypeVar

from typing_extensions import Self

_T = TypeVar("_T")
_M = TypeVar("_M", bound=Message)

class Message:
    DESCRIPTOR: ClassVar[Any]
    @classmethod
    def FromString(cls, data: bytes, /) -> Self: ...
    def CopyFrom(self, other: Self, /) -> None: ...
    def MergeFrom(self, other: Self, /) -> None: ...
    def Clear(self) -> None: ...
    def HasField(self, field_name: str, /) -> bool: ...
    def ClearField(self, field_name: str, /) -> None: ...
    def SetInParent(self) -> None: ...
    def ListFields(self) -> list[tuple[Any, Any]]: ...
    def ByteSize(self) -> int: ...
    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...
    def SerializePartialToString(self, *, deterministic: bool = ...) -> bytes: ...
    def ParseFromString(self, data: bytes, /) -> int: ...
    def MergeFromString(self, data: bytes, /) -> int: ...
    def IsInitialized(self) -> bool: ...
    def FindInitializationErrors(self) -> list[str]: ...

class Repeated(MutableSequence[_T], metaclass=ABCMeta):
    def MergeFrom(self, other: Iterable[_T], /) -> None: ...

class RepeatedMessages(Sequence[_M], metaclass=ABCMeta):
    def add(self, **fields: Any) -> _M: ...
    def append(self, message: _M, /) -> None: ...
    def insert(self, index: int, message: _M, /) -> None: ...
    def extend(self, messages: Iterable[_M], /) -> None: ...
    def MergeFrom(self, other: Iterable[_M], /) -> None: ...
    def pop(self, index: int = ..., /) -> _M: ...
    def remove(self, message: _M, /) -> None: ...
    def __delitem__(self, index: int | slice, /) -> None: ...

class EnumType:
    DESCRIPTOR: Any
    def Name(self, number: int) -> str: ...
    def Value(self, name: str) -> int: ...
    def keys(self) -> list[str]: ...
    def values(self) -> list[int]: ...
    def items(self) -> list[tuple[str, int]]: ...
'''

_F = FieldDescriptorProto
_PYTHON_TYPES = {
    _F.TYPE_BOOL: "bool",
    _F.TYPE_BYTES: "bytes",
    _F.TYPE_DOUBLE: "float",
    _F.TYPE_FLOAT: "float",
    _F.TYPE_STRING: "str",
    _F.TYPE_ENUM: "int",
    _F.TYPE_INT32: "int",
    _F.TYPE_INT64: "int",
    _F.TYPE_UINT32: "int",
    _F.TYPE_UINT64: "int",
}


def describe(proto: Path, *, comments: bool = False) -> FileDescriptorSet:
    """The descriptors of a .proto file, with its comments in ``source_code_info`` if asked for."""
    # protoc reports errors against the file itself on stderr: nothing to add to that here.
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "descriptors"
        options = [f"-I{proto.parent}", f"--descriptor_set_out={out}"]
        if comments:
            options.append("--include_source_info")
        if protoc.main(["protoc", *options, proto.name]) != 0:
            sys.exit(1)
        return FileDescriptorSet.FromString(out.read_bytes())


def _type(field: FieldDescriptorProto, package: str) -> str:
    if field.type == _F.TYPE_MESSAGE:
        return field.type_name.removeprefix(f".{package}.")
    return _PYTHON_TYPES[field.type]


def _attribute(field: FieldDescriptorProto, package: str) -> Iterator[str]:
    name, kind, message = field.name, _type(field, package), field.type == _F.TYPE_MESSAGE
    if field.label == _F.LABEL_REPEATED:
        kind = f"RepeatedMessages[{kind}]" if message else f"Repeated[{kind}]"
    elif not message:
        yield f"    {name}: {kind}"
        return
    yield "    @property"
    yield f"    def {name}(self) -> {kind}: ..."


def _argument(field: FieldDescriptorProto, package: str) -> str:
    kind = _type(field, package)
    if field.type == _F.TYPE_MESSAGE:
        kind += " | Mapping[str, Any]"
    elif field.type == _F.TYPE_ENUM:
        kind += " | str"
    if field.label == _F.LABEL_REPEATED:
        kind = f"Iterable[{kind}]"
    return f"        {field.name}: {kind} | None = ...,"


def _enum(enum: EnumDescriptorProto, indent: str = "") -> Iterator[str]:
    of_class = "ClassVar[{}]" if indent else "{}"
    yield f"{indent}{enum.name}: {of_class.format('EnumType')}"
    for value in enum.value:
        yield f"{indent}{value.name}: {of_class.format('int')}"


def _message(message: DescriptorProto, package: str) -> Iterator[str]:
    # A field whose name is a Python keyword can be reached through getattr alone.
    fields = [field for field in message.field if not keyword.iskeyword(field.name)]
    yield f"class {message.name}(Message):"
    for nested in message.nested_type:
        yield from (f"    {line}" if line else "" for line in _message(nested, package))
        yield ""
    for enum in message.enum_type:
        yield from _enum(enum, "    ")
    for field in fields:
        yield from _attribute(field, package)
    if message.extension_range:
        yield "    Extensions: Any"
    yield "    def __init__("
    yield "        self,"
    if fields:
        yield "        *,"
    for field in fields:
        yield _argument(field, package)
    yield "    ) -> None: ..."


def stubs(file: FileDescriptorProto) -> str:
    """The text of the .pyi for the messages and enums of a file."""
    lines = [_PRELUDE]
    for enum in file.enum_type:
        lines += [*_enum(enum), ""]
    for message in file.message_type:
        lines += [*_message(message, file.package), ""]
    return "\n".join(lines)


def build() -> dict[Path, bytes]:
    """The files and what they should hold."""
    descriptors = describe(PROTO)
    (file,) = descriptors.file
    return {
        DESCRIPTORS: descriptors.SerializeToString(deterministic=True),
        STUBS: stubs(file).encode(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the descriptors and the type stubs of the schema.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if one is stale")
    check = parser.parse_args().check
    stale = {path: data for path, data in build().items() if not path.exists() or path.read_bytes() != data}
    for path, data in stale.items():
        print("stale:" if check else "wrote:", path.relative_to(ROOT))
        if not check:
            path.write_bytes(data)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
