import os
import tracemalloc

import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import BlobProto, BlobProtoVector
from netspec.weights.blobs import fits, put_blobs, put_image, read_blob
from netspec.weights.wire import Reader, open_message, put_bytes, put_floats, put_integer


def read(data):
    data = data if isinstance(data, bytes) else data.SerializeToString()
    return read_blob(Reader(memoryview(data), "file", len(data)))


def test_a_blob_has_its_shape():
    np.testing.assert_array_equal(
        read(BlobProto(shape={"dim": [2, 3]}, data=range(6))), np.arange(6.0).reshape(2, 3)
    )


def test_the_four_old_axes_count_even_beside_a_shape():
    assert read(BlobProto(num=1, channels=1, height=2, width=3, data=range(6))).shape == (1, 1, 2, 3)


def test_double_precision_is_kept():
    blob = read(BlobProto(shape={"dim": [1]}, double_data=[1 / 3]))
    assert (blob.dtype, blob[0]) == (np.float64, 1 / 3)


def test_numbers_in_several_pieces_are_joined():
    pieces = b"".join(put_floats(5, np.array([1, 2], np.float32)) + put_floats(5, np.array([3], np.float32)))
    assert read(BlobProto(shape={"dim": [3]}).SerializeToString() + pieces).tolist() == [1, 2, 3]


def test_doubles_come_before_floats():
    blob = read(BlobProto(shape={"dim": [1]}, data=[1, 2, 3], double_data=[0.1]))
    assert (blob.dtype, blob.tolist()) == (np.float64, [0.1])


@pytest.mark.parametrize(("number", "dtype"), [(0, "<f8"), (1, "<f4"), (2, "<f2")])
def test_the_raw_numbers_of_nvidias_fork(number, dtype):
    values = np.array([1.5, -2], dtype)
    raw = [*put_integer(10, number), *put_bytes(12, values.tobytes())]
    blob = read(BlobProto(shape={"dim": [2]}).SerializeToString() + b"".join(raw))
    assert (blob.dtype, blob.tolist()) == (values.dtype, [1.5, -2])


@pytest.mark.parametrize(
    ("file", "net"),
    [
        ((2, 3), (2, 3)),
        ((), ()),
        ((1, 1, 2, 3), (2, 3)),
        ((1, 1, 1, 3), (3,)),
        ((1, 1, 1, 1), ()),
        ((1, 5, 2, 3), (5, 2, 3)),
        ((4, 5, 2, 3), (4, 5, 2, 3)),
    ],
)
def test_shapes_that_fit(file, net):
    assert fits(file, net)


@pytest.mark.parametrize(
    ("file", "net"),
    [
        ((3, 2), (2, 3)),
        ((2, 3), (1, 1, 2, 3)),
        ((1, 3), (3,)),
        ((2, 3, 1, 1), (2, 3)),
        ((1, 2, 1, 3), (2, 3)),
        ((1, 1, 1, 1, 3), (3,)),
        ((1, 1, 1, 3), (1, 1, 1, 1, 3)),
    ],
)
def test_shapes_that_do_not(file, net):
    assert not fits(file, net)


@pytest.mark.parametrize(
    "shape", [[5], [], [-1], [2**31, 0], [1] * 33], ids=["count", "scalar", "negative", "huge", "axes"]
)
def test_a_shape_that_does_not_fit_the_numbers_is_refused(shape):
    with pytest.raises(WeightsError, match="expected as many numbers as the shape"):
        read(BlobProto(shape={"dim": shape}, data=[0] * 4))


def test_blobs_are_written_for_protobuf_to_read():
    blobs = [np.arange(6, dtype=np.float32).reshape(2, 3), np.float32(7).reshape(())]
    read_back = BlobProtoVector.FromString(b"".join(put_blobs(1, blobs)))
    assert [list(blob.shape.dim) for blob in read_back.blobs] == [[2, 3], []]
    assert [list(blob.data) for blob in read_back.blobs] == [[0, 1, 2, 3, 4, 5], [7]]


def test_doubles_stay_doubles():
    read_back = BlobProtoVector.FromString(b"".join(put_blobs(1, [np.float64([0.1])])))
    assert list(read_back.blobs[0].double_data) == [0.1]


def test_a_mean_image_has_the_four_old_axes():
    values = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    blob = BlobProto.FromString(b"".join(put_image(values)))
    assert (blob.num, blob.channels, blob.height, blob.width, blob.HasField("shape")) == (1, 1, 2, 3, False)
    assert list(blob.data) == list(range(6))


def test_a_blob_beyond_2_gb_is_written_and_read_without_a_copy(tmp_path):
    """In files with holes, which take no room on the disk."""
    count = (1 << 29) + 3
    with (tmp_path / "numbers").open("wb") as file:
        file.truncate(4 * count)
    numbers = np.memmap(tmp_path / "numbers", np.float32, "r", shape=(count,))
    tracemalloc.start()
    with (tmp_path / "blob").open("wb") as file:
        for part in put_blobs(7, [numbers]):
            if len(part) > 1 << 20:
                file.seek(len(part) - 4, os.SEEK_CUR)
                file.write(np.float32(2.5).tobytes())
            else:
                file.write(part)
    (field,) = open_message(tmp_path / "blob").fields()
    blob = read_blob(field.message())
    assert (field.number, blob.shape, blob[0], blob[-1]) == (7, (count,), 0, 2.5)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
