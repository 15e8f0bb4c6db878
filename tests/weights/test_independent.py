"""What netspec writes, read by the `protobuf` package with a schema that has Caffe's fields alone."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from netspec.data.binaryproto import write_binaryproto
from netspec.weights import LayerBlobs, State, save_from, write_solverstate, write_weights

# message: {field: (number, label, type)}, as Caffe has them; a capital begins the name of a message.
CAFFE = {
    "BlobShape": {"dim": (1, "repeated", "int64")},
    "BlobProto": {
        "num": (1, "optional", "int32"),
        "channels": (2, "optional", "int32"),
        "height": (3, "optional", "int32"),
        "width": (4, "optional", "int32"),
        "data": (5, "repeated", "float"),
        "diff": (6, "repeated", "float"),
        "shape": (7, "optional", "BlobShape"),
        "double_data": (8, "repeated", "double"),
        "double_diff": (9, "repeated", "double"),
    },
    "LayerParameter": {
        "name": (1, "optional", "string"),
        "type": (2, "optional", "string"),
        "bottom": (3, "repeated", "string"),
        "top": (4, "repeated", "string"),
        "blobs": (7, "repeated", "BlobProto"),
    },
    "NetParameter": {
        "name": (1, "optional", "string"),
        "layer": (100, "repeated", "LayerParameter"),
    },
    "SolverState": {
        "iter": (1, "optional", "int32"),
        "learned_net": (2, "optional", "string"),
        "history": (3, "repeated", "BlobProto"),
        "current_step": (4, "optional", "int32"),
    },
}


@pytest.fixture(scope="module")
def schema():
    """The message classes of a pool of their own, which knows nothing of netspec's schema."""
    file = descriptor_pb2.FileDescriptorProto(
        name="independent.proto", package="independent", syntax="proto2"
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in CAFFE.items():
        message = file.message_type.add(name=name)
        for field, (number, label, type) in fields.items():
            entry = message.field.add(name=field, number=number, label=f"LABEL_{label.upper()}")
            if type[0].isupper():
                entry.type, entry.type_name = kinds.TYPE_MESSAGE, f".independent.{type}"
            else:
                entry.type = kinds.Type.Value(f"TYPE_{type.upper()}")
            entry.options.packed = label == "repeated" and type in ("int64", "float", "double")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"independent.{name}"))
        for name in CAFFE
    }


def arrays(blobs):
    return [np.array(blob.data or blob.double_data).reshape(list(blob.shape.dim)) for blob in blobs]


def test_weights(schema, net, tmp_path):
    save_from(net, tmp_path / "x.caffemodel")
    message = schema["NetParameter"].FromString((tmp_path / "x.caffemodel").read_bytes())
    assert message.name == "small"
    assert [(layer.name, layer.type) for layer in message.layer] == [
        ("in", "Input"),
        ("conv", "Convolution"),
        ("relu", "ReLU"),
        ("ip", "InnerProduct"),
    ]
    for layer in message.layer:
        for found, blob in zip(arrays(layer.blobs), net.params.get(layer.name, []), strict=True):
            np.testing.assert_array_equal(found.astype(np.float32), blob.detach().numpy())
    assert message.SerializeToString() == (tmp_path / "x.caffemodel").read_bytes()


def test_weights_in_double_precision(schema, tmp_path):
    values = np.random.default_rng(1).normal(size=(2, 3))
    write_weights(tmp_path / "x.caffemodel", [LayerBlobs("ip", "InnerProduct", {0: values})])
    message = schema["NetParameter"].FromString((tmp_path / "x.caffemodel").read_bytes())
    np.testing.assert_array_equal(arrays(message.layer[0].blobs)[0], values)


def test_a_solvers_state(schema, tmp_path):
    write_solverstate(tmp_path / "x", State(3, "x.caffemodel", [np.float32([[1, 2]])], 1))
    message = schema["SolverState"].FromString((tmp_path / "x").read_bytes())
    assert (message.iter, message.learned_net, message.current_step) == (3, "x.caffemodel", 1)
    assert [blob.tolist() for blob in arrays(message.history)] == [[[1, 2]]]


def test_a_mean_image(schema, tmp_path):
    image = np.random.default_rng(1).normal(size=(3, 2, 4)).astype(np.float32)
    write_binaryproto(tmp_path / "x", image)
    blob = schema["BlobProto"].FromString((tmp_path / "x").read_bytes())
    assert (blob.num, blob.channels, blob.height, blob.width) == (1, 3, 2, 4)
    np.testing.assert_array_equal(np.array(blob.data, np.float32).reshape(3, 2, 4), image)
