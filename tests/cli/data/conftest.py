"""Images with a list, and readers that know nothing of netspec: lmdb, and protobuf with Caffe's fields."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import lmdb
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

HALVES = {"train": ("train", 7), "test": ("t10k", 3)}  # of MNIST: the name of its files, and its size

# Name, number and type of all fields that BVLC's Caffe has; a star marks a repeated one, a plus a packed one.
DATUM = "channels 1 INT32, height 2 INT32, width 3 INT32, data 4 BYTES, label 5 INT32, "
DATUM += "float_data* 6 FLOAT, encoded 7 BOOL"
BLOB = "num 1 INT32, channels 2 INT32, height 3 INT32, width 4 INT32, data+ 5 FLOAT, diff+ 6 FLOAT, "
BLOB += "double_data+ 8 DOUBLE, double_diff+ 9 DOUBLE"


def _message(file, name, fields):
    message = file.message_type.add(name=name)
    for words in map(str.split, fields.split(", ")):
        field = message.field.add(name=words[0].rstrip("*+"), number=int(words[1]))
        field.type = getattr(FieldDescriptorProto, f"TYPE_{words[2]}")
        field.label = field.LABEL_OPTIONAL if words[0].isidentifier() else field.LABEL_REPEATED
        field.options.packed = words[0].endswith("+")


@pytest.fixture(scope="session")
def caffe():
    """Caffe's messages; strict: a field that Caffe does not have is an error."""
    file = FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    _message(file, "Datum", DATUM)
    _message(file, "BlobProto", BLOB)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())

    def reader(name):
        cls = GetMessageClass(pool.FindMessageTypeByName(f"caffe.{name}"))

        def read(data):
            message = cls.FromString(data)
            assert message.SerializeToString() == data
            message.DiscardUnknownFields()
            assert message.SerializeToString() == data
            return message

        return read

    return SimpleNamespace(datum=reader("Datum"), blob=reader("BlobProto"))


@pytest.fixture
def read_lmdb():
    def read(path):
        with (
            lmdb.open(str(path), readonly=True, lock=False) as environment,
            environment.begin() as transaction,
        ):
            return list(transaction.cursor())

    return read


@pytest.fixture
def golden(tmp_path, monkeypatch):
    """The working directory: a copy of what Caffe's own tools read and wrote."""
    folder = shutil.copytree(Path(__file__).parents[2] / "golden" / "data", tmp_path / "golden")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def images(tmp_path, monkeypatch):
    """The working directory, with four images of one size in the folder img, and list.txt."""
    rng = np.random.default_rng(3)
    (tmp_path / "img").mkdir()
    pictures = rng.integers(256, size=(4, 6, 5, 3)).astype(np.uint8)
    for number, picture in enumerate(pictures):
        assert cv2.imwrite(str(tmp_path / "img" / f"{number}.png"), picture)
    (tmp_path / "list.txt").write_text("".join(f"{number}.png {10 * number}\n" for number in range(4)))
    monkeypatch.chdir(tmp_path)
    return pictures


def idx(values):
    axes = b"".join(axis.to_bytes(4, "big") for axis in values.shape)
    return bytes((0, 0, 8, values.ndim)) + axes + values.tobytes()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The working directory, with a small data set of MNIST's format in the folder raw."""
    rng = np.random.default_rng(0)
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    made = {}
    for half, (name, count) in HALVES.items():
        images = rng.integers(256, size=(count, 28, 28)).astype(np.uint8)
        labels = rng.integers(10, size=count).astype(np.uint8)
        Path(f"raw/{name}-images-idx3-ubyte").write_bytes(idx(images))
        Path(f"raw/{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
        made[half] = images, labels
    return made
