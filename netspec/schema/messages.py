"""The message classes of proto/netspec.proto: ``NetParameter``, ``LayerParameter``, ``SolverParameter``, ...

They are made on import from the descriptors in ``netspec.binpb``, because generated code would tie users to
one version of protobuf. Their pool is private, so another package may load a caffe.proto of its own beside
them. Enum values are plain integers: ``TRAIN``, ``TEST``, ``PoolingParameter.MAX``.
"""

from __future__ import annotations

from importlib.resources import files

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper as EnumType
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


def _load() -> dict[str, object]:
    """The top-level messages and enums of the schema and the values of those enums, by name."""
    pool = DescriptorPool()
    members: dict[str, object] = {}
    for proto in FileDescriptorSet.FromString(files(__package__).joinpath("netspec.binpb").read_bytes()).file:
        pool.AddSerializedFile(proto.SerializeToString())
        file = pool.FindFileByName(proto.name)
        for enum in file.enum_types_by_name.values():
            members |= {enum.name: EnumType(enum), **{value.name: value.number for value in enum.values}}
        for name, descriptor in file.message_types_by_name.items():
            members[name] = message_class = GetMessageClass(descriptor)
            message_class.__module__ = __name__  # where pickle looks the class up
    return members


globals().update(members := _load())

__all__ = ["EnumType", "Message", *members]
