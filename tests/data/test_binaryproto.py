"""A lone blob in a file."""

import numpy as np
import pytest

from netspec.data.binaryproto import read_binaryproto
from netspec.data.transformer import read_mean
from netspec.errors import DataError
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
