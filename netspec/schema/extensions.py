"""Messages that other packages add to the schema, for the layers that they bring.

A module that an entry point of the group ``netspec.layers`` names says what its layer reads::

    gain_param = layer_message("gain_param", factor=1.0, axis=1, filler=FillerParameter)

From then on a net may hold ``layer { type: "Gain" gain_param { factor: 2 } }``, and the layer finds the
message as ``self.spec.Extensions[gain_param]``.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from zlib import crc32

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message_factory import GetMessageClass

from netspec.schema.messages import LayerParameter, Message

_LAYER = LayerParameter.DESCRIPTOR
_PACKAGE = "netspec.extensions"
# What proto/netspec.proto leaves to extensions.
_FIRST, _END = 800_000, 2**29
_TYPES = {
    bool: FieldDescriptorProto.TYPE_BOOL,
    int: FieldDescriptorProto.TYPE_INT64,
    float: FieldDescriptorProto.TYPE_DOUBLE,
    str: FieldDescriptorProto.TYPE_STRING,
}

# How each was described: the pool gives its own form of that.
_added: dict[str, tuple[bytes, FieldDescriptor]] = {}


def layer_message(name: str, /, **fields: Any) -> FieldDescriptor:
    """Adds a message to LayerParameter: ``layer { name { ... } }``. Gives the key of ``Extensions``.

    Its number follows from its name, so that packages need not agree on numbers, only on names.

    Args:
        name: what nets call it; by custom it ends in ``_param``.
        fields: what it holds. A default value (bool, int, float or str), one of these four types for a field
            without default, a message class for a message, or a list of one of these for a repeated field:
            ``factor=1.0, count=int, filler=FillerParameter, taps=[float]``.

    Raises:
        ValueError: a layer already has a field or another package's message of that name.
        TypeError: a field is none of the above.
    """
    if name in _LAYER.fields_by_name:
        raise ValueError(f"'{name}' is a field of every layer")
    file = _describe(name, fields).SerializeToString()
    if name not in _added:
        pool = _LAYER.file.pool
        pool.AddSerializedFile(file)
        _added[name] = file, pool.FindExtensionByName(f"{_PACKAGE}.{name}")
    known, field = _added[name]
    if known != file:
        raise ValueError(f"'{name}' is already added to LayerParameter, with other fields")
    GetMessageClass(field.message_type)
    return field


def added_messages() -> dict[str, FieldDescriptor]:
    """What all packages have added, by name."""
    load_plugins()
    return {name: field for name, (_, field) in _added.items()}


@cache
def load_plugins() -> None:
    """Imports what the installed packages register in the group ``netspec.layers``."""
    from importlib.metadata import entry_points  # slow to import, and most nets need no package

    for entry in entry_points(group="netspec.layers"):
        entry.load()


def _describe(name: str, fields: dict[str, Any]) -> FileDescriptorProto:
    file = FileDescriptorProto(name=f"netspec/extensions/{name}.proto", package=_PACKAGE, syntax="proto2")
    file.dependency.append(_LAYER.file.name)
    message = file.message_type.add(name="".join(map(str.capitalize, name.split("_"))))
    for number, (field, kind) in enumerate(fields.items(), start=1):
        _add_field(message, field, number, kind)
    file.extension.add(
        name=name,
        number=_FIRST + crc32(name.encode()) % (_END - _FIRST),
        label=FieldDescriptorProto.LABEL_OPTIONAL,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.{message.name}",
        extendee=f".{_LAYER.full_name}",
    )
    return file


def _add_field(message: DescriptorProto, name: str, number: int, kind: Any) -> None:
    added = message.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    if isinstance(kind, list) and len(kind) == 1:
        (kind,) = kind
        added.label = FieldDescriptorProto.LABEL_REPEATED
    elif type(kind) in _TYPES:
        added.default_value = str(kind).lower() if isinstance(kind, bool) else str(kind)
        kind = type(kind)
    if isinstance(kind, type) and issubclass(kind, Message):
        added.type, added.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{kind.DESCRIPTOR.full_name}"
    elif isinstance(kind, type) and kind in _TYPES:
        added.type = _TYPES[kind]
    else:
        raise TypeError(f"field '{name}' is neither a default value nor a type nor a message class: {kind!r}")
