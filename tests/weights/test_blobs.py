import numpy as np
import pytest

from netspec.errors import WeightsError
from netspec.schema.messages import BlobProto, BlobProtoVector
from netspec.weights.blobs import put_blobs, read_blob
from netspec.weights.wire import Reader, put_floats


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
