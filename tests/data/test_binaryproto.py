"""A lone blob in a file."""

import numpy as np
import pytest

from netspec.data.binaryproto import read_binaryproto, read_image, write_binaryproto
from netspec.data.transformer import read_mean
from netspec.errors import DataError, WeightsError
from netspec.schema.messages import BlobProto, BlobShape
from netspec.text.source import Source, Span


@pytest.mark.parametrize(
    ("blob", "shape"),
    [
        (BlobProto(data=range(6), shape=BlobShape(dim=[2, 3])), [2, 3]),
        (BlobProto(double_data=range(6), num=1, channels=1, height=2, width=3), [1, 1, 2, 3]),
    ],
)
def test_old_and_new(tmp_path, blob, shape):
    (tmp_path / "a.binaryproto").write_bytes(blob.SerializeToString())
    values, found = read_binaryproto(tmp_path / "a.binaryproto")
    assert (values.dtype, values.tolist(), found) == (np.float32, [0, 1, 2, 3, 4, 5], shape)


def test_what_holds_no_blob(tmp_path):
    (tmp_path / "a.binaryproto").write_bytes(b"\x0f no blob")
    for path in (tmp_path, tmp_path / "a.binaryproto"):
        with pytest.raises(ValueError, match=r".+"):
            read_binaryproto(path)


def test_a_folder_as_mean_file(tmp_path):
    source = Source("net.prototxt", 'mean_file: "x"')
    with pytest.raises(DataError, match="is no binaryproto of a mean image"):
        read_mean(str(tmp_path), Span(source, 11, 14))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_image_comes_back(tmp_path, dtype):
    image = np.arange(24, dtype=dtype).reshape(3, 2, 4) / 3
    write_binaryproto(tmp_path / "a.binaryproto", image)
    found = read_image(tmp_path / "a.binaryproto")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("shape", [[3, 4], [2, 3, 1, 2], [1, 1, 3, 2, 2]])
def test_what_is_no_image(tmp_path, shape):
    blob = BlobProto(data=range(12), shape=BlobShape(dim=shape))
    (tmp_path / "a.binaryproto").write_bytes(blob.SerializeToString())
    with pytest.raises(WeightsError, match="expected an image of channels, rows and columns, not the shape"):
        read_image(tmp_path / "a.binaryproto")


def test_a_file_that_was_cut_after_its_axes(tmp_path):
    (tmp_path / "a.binaryproto").write_bytes(BlobProto(num=1, channels=3).SerializeToString())
    with pytest.raises(ValueError, match=r"an empty one of the shape \[1, 3, 0, 0\]"):
        read_binaryproto(tmp_path / "a.binaryproto")
