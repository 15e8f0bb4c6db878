import zipfile

import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.weights.layers import LayerBlobs
from netspec.weights.npz import read_layers, write_layers


def test_numpy_reads_what_is_written(tmp_path):
    blobs = {0: np.arange(6, dtype=np.float32).reshape(2, 3), 1: np.float64([0.1])}
    write_layers(tmp_path / "x.npz", [LayerBlobs("a/b", "PReLU", blobs), LayerBlobs("relu")])
    with np.load(tmp_path / "x.npz") as arrays:
        assert sorted(arrays) == ["a/b/0", "a/b/1"]
        np.testing.assert_array_equal(arrays["a/b/0"], blobs[0])
        assert arrays["a/b/1"].dtype == np.float64


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(tmp_path, save):
    values = np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3))
    save(tmp_path / "x.npz", **{"ip/0": values, "ip/1": np.float16(2)})
    (layer,) = read_layers(tmp_path / "x.npz")
    assert (layer.name, layer.type, list(layer.blobs)) == ("ip", "", [0, 1])
    np.testing.assert_array_equal(layer.blobs[0], values)
    assert (layer.blobs[1].dtype, layer.blobs[1].shape, layer.blobs[1]) == (np.float16, (), 2)


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("something was unpickled",)


def test_nothing_is_unpickled(tmp_path):
    np.savez(tmp_path / "x.npz", **{"ip/0": np.array([Bomb()], object)})
    with pytest.raises(WeightsError, match=r"'ip/0\.npy' holds Python objects"):
        read_layers(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ip/0": np.int64([1])}, "'ip/0' holds int64, not floating-point numbers"),
        ({"mean": np.float32([1])}, "'mean' names no blob of a layer"),
    ],
)
def test_other_arrays(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(WeightsError, match=message):
        read_layers(tmp_path / "x.npz")


def _archive(path, content, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in content:
            archive.writestr(name, data)


def _array(values, shape=None):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape or values.shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + values.tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([("a/0.npy", _array(np.zeros(4, np.float32), (5,)))], "an array is cut off"),
        ([("a/0.npy", _array(np.zeros(4, np.float32), (2**60,)))], r"'a/0.npy' is cut off"),
        ([("a/0.npy", b"\x93NUMPY\3\0")], "an array of version"),
        ([("a/0.npy", b"nonsense")], "magic"),
        ([("data.pkl", b"nonsense")], "magic"),
    ],
)
def test_broken_members(tmp_path, content, message):
    _archive(tmp_path / "x.npz", content)
    with pytest.raises(WeightsError, match=f"cannot be read as npz: .*{message}"):
        read_layers(tmp_path / "x.npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path):
    _archive(tmp_path / "x.npz", [("a/0.npy", _array(np.zeros(1, np.float32)))] * 2)
    with pytest.raises(WeightsError, match="two members have one name"):
        read_layers(tmp_path / "x.npz")


def test_an_array_that_is_damaged(tmp_path):
    write_layers(tmp_path / "x.npz", [LayerBlobs("a", blobs={0: np.ones(8, np.float32)})])
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[data.index(np.ones(8, np.float32).tobytes()) + 5] ^= 1
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(WeightsError, match="Bad CRC"):
        read_layers(tmp_path / "x.npz")
