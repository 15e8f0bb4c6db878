"""Files that were cut, changed or never were what they are called: an error of ours, or numbers that are in
the file, and nothing else. All cases follow from fixed seeds."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from netspec.data.binaryproto import read_image
from netspec.errors import NetspecError
from netspec.schema.messages import BlobProto, NetParameter, TrainerState, V1LayerParameter
from netspec.weights import (
    LayerBlobs,
    State,
    read_solverstate,
    read_weights,
    write_solverstate,
    write_weights,
)
from netspec.weights.wire import put_bytes

CAFFES = Path(__file__).parents[1] / "golden" / "solver" / "sgd_h5"
CASES = 220  # for each kind of file
CUTS = 60
FORMATS = (".caffemodel", ".h5", ".safetensors", ".npz")

ONES = np.ones((2, 3), np.float32)
LAYERS = [
    LayerBlobs("data", "Data", tops=("x",)),
    LayerBlobs("conv", "Convolution", {0: ONES, 1: np.float32([3, 4])}, names=("weight", "bias")),
    LayerBlobs("ip/a.b", "InnerProduct", {0: ONES.astype(np.float64), 1: np.float64([5, 6])}),
]
STATE = State(7, "x.caffemodel", [ONES, ONES[0]], 2, TrainerState(random_seed=3))


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name, how a whole one is made, and how it is read as a list of comparable parts."""

    name: str
    make: Callable[[Path], object]
    read: Callable[[Path], list[Any]]


def _layers(path):
    return [
        (layer.name, layer.type, [(key, blob.tolist()) for key, blob in layer.blobs.items()])
        for layer in read_weights(path)
    ]


def _state(path):
    return [blob.tolist() for blob in read_solverstate(path).history]


def _image(path):
    return [read_image(path).tolist()]


def _old_layers(path):
    v1 = V1LayerParameter(name="v1", type=V1LayerParameter.CONVOLUTION, bottom=["x"])
    v1.blobs.add(num=1, channels=1, height=1, width=2, data=[1, 2])
    v0 = V1LayerParameter(layer={"name": "v0", "type": "conv"})
    v0.layer.blobs.add(num=1, channels=1, height=2, width=1, data=[3, 4])
    path.write_bytes(NetParameter(name="old", layers=[v1, v0]).SerializeToString())


def _compressed(path):
    with h5py.File(path, "w") as file:
        for name in ("a", "b/c"):
            values = np.arange(128, dtype=np.float32).reshape(8, 16)
            file.create_dataset(f"data/{name}/0", data=values, chunks=(4, 8), compression="gzip")


def _mean(path):
    blob = BlobProto(num=1, channels=2, height=2, width=3, data=range(12))
    path.write_bytes(blob.SerializeToString())


def _weights(path):
    write_weights(path, LAYERS)


def _copy(name):
    return lambda path: path.write_bytes((CAFFES / name).read_bytes())


KINDS = [
    Kind("x.caffemodel", _weights, _layers),
    Kind("old.caffemodel", _old_layers, _layers),
    Kind("x.h5", _weights, _layers),
    Kind("caffes.h5", _copy("snap_iter_3.caffemodel.h5"), _layers),
    Kind("compressed.h5", _compressed, _layers),
    Kind("x.safetensors", _weights, _layers),
    Kind("foreign.safetensors", lambda path: save_file({"a.weight": ONES, "a.bias": ONES[0]}, path), _layers),
    Kind("x.npz", _weights, _layers),
    Kind("compressed.npz", lambda path: np.savez_compressed(path, **{"a/0": ONES, "b/0": ONES}), _layers),
    Kind("x.solverstate", lambda path: write_solverstate(path, STATE), _state),
    Kind("caffes.solverstate.h5", _copy("snap_iter_3.solverstate.h5"), _state),
    Kind("mean.binaryproto", _mean, _image),
]
IDS = [kind.name for kind in KINDS]


@pytest.fixture
def whole(tmp_path):
    """The bytes of a whole file of a kind."""

    def build(kind):
        kind.make(tmp_path / kind.name)
        return (tmp_path / kind.name).read_bytes()

    return build


@pytest.fixture
def place(tmp_path):
    """A new file with these contents; arrays that are still views of an earlier one stay as they are."""
    count = iter(range(10**6))

    def write(kind, data):
        path = tmp_path / f"{next(count)}{kind.name}"
        path.write_bytes(data)
        return path

    return write


def attempt(kind, path):
    """What is read, None where that is refused."""
    try:
        return kind.read(path)
    except NetspecError:
        return None
    finally:
        path.unlink()


def damaged(draw, data):
    data = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(data))
        match draw.randrange(5):
            case 0 | 1:
                data[at] ^= 1 << draw.randrange(8)
            case 2:
                data[at] = draw.choice((0, 0x7F, 0xFF))
            case 3:
                data[at : at + 8] = draw.getrandbits(62).to_bytes(8, "little")
            case 4:
                del data[at : at + draw.randrange(1, 9)]
                data += bytes(not data)
    return bytes(data)


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_changed_files_are_refused_or_read(kind, whole, place):
    draw, data, refused = random.Random(kind.name), whole(kind), 0
    for _ in range(CASES):
        refused += attempt(kind, place(kind, damaged(draw, data))) is None
    assert refused > CASES // 10


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_a_cut_is_noticed(kind, whole, place):
    """At the latest by what is missing: protobuf ends a message where the file ends, and does not tell a file
    that was cut between two layers from one that has no more."""
    draw, data = random.Random(kind.name), whole(kind)
    everything = kind.read(place(kind, data))
    for cut in [*(draw.randrange(len(data)) for _ in range(CUTS)), len(data) - 1]:
        found = attempt(kind, place(kind, data[:cut]))
        assert found is None or (len(found) < len(everything) and found == everything[: len(found)])


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_random_bytes_are_refused(kind, place):
    draw = random.Random(kind.name)
    starts = (b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x40\0\0\0\0\0\0\0{", b"\x0a\x01x", b"\xa2\x06")
    for start in starts:
        for size in (1, 20, 300):
            assert not attempt(kind, place(kind, start + draw.randbytes(size)))


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_read_of_a_changed_file_can_be_written(suffix, whole, place, tmp_path):
    """So that no name or shape that got through breaks `netspec convert`."""
    draw = random.Random(suffix)
    for kind in KINDS:
        if kind.read is not _layers:
            continue
        data = whole(kind)
        for _ in range(12):
            path = place(kind, damaged(draw, data))
            try:
                write_weights(tmp_path / f"out{suffix}", read_weights(path))
            except NetspecError:
                continue
            read_weights(tmp_path / f"out{suffix}")


SIZES = (1 << 31, 1 << 40, 1 << 60, (1 << 64) - 1)


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _lengths(size):
    """Binary files with a length, a count of axes or a shape of this size."""
    length = _varint(size)
    blob = b"".join(put_bytes(7, b"\x08" + length))
    yield b"\xa2\x06" + length + b"\x0a\x01x"
    yield b"".join(put_bytes(100, b"\x0a\x01x\x3a" + length))
    yield b"".join(put_bytes(100, b"\x0a\x01x", *put_bytes(7, b"\x2a" + length)))
    yield b"".join(put_bytes(100, b"\x0a\x01x", *put_bytes(7, blob)))
    yield b"".join(put_bytes(100, b"\x0a\x01x", *put_bytes(7, b"\x08" + length + b"\x10" + length)))


@pytest.mark.parametrize("size", SIZES)
def test_a_length_alone_takes_no_memory(place, size):
    header = b'{"a/0":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}' % (size // 4, size)
    files = [(KINDS[0], data) for data in _lengths(size)]
    files += [
        (KINDS[5], size.to_bytes(8, "little") + b"{}"),
        (KINDS[5], len(header).to_bytes(8, "little") + header + bytes(8)),
    ]
    tracemalloc.start()
    for kind, data in files:
        assert attempt(kind, place(kind, data)) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
