import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from netspec.data.idx import read_idx, read_mnist
from netspec.errors import DataError


def idx(array, kind=0x08):
    header = bytes((0, 0, kind, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def array():
    return np.arange(2 * 3 * 4).reshape(2, 3, 4)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_reads_plain_and_gzipped_files(tmp_path, array, suffix):
    path = tmp_path / f"images-idx3-ubyte{suffix}"
    path.write_bytes(gzip.compress(idx(array)) if suffix else idx(array))
    found = read_idx(path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an IDX header 00 00 08 <axes>, found nothing"),
        (b"\x89PNG....", "found 89 50 4e 47"),
        (idx(np.zeros(3), kind=0x0D), "found 00 00 0d 01"),
        (idx(np.zeros((2, 2)))[:9], "expected a header of 12 bytes, found 9"),
        (idx(np.zeros((2, 5)))[:-1], r"expected 10 elements of shape \(2, 5\), found 9"),
        (idx(np.zeros(4)) + b"\0", r"expected 4 elements of shape \(4,\), found 5"),
    ],
)
def test_a_broken_file_is_named_with_what_was_expected(tmp_path, content, message):
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    (finding,) = caught.value.diagnostics
    assert finding.file == str(path)
    assert finding.help is not None


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"no gzip" + raw])
def test_a_damaged_gzip_file(tmp_path, array, damage):
    path = tmp_path / "images.gz"
    path.write_bytes(damage(gzip.compress(idx(array))))
    with pytest.raises(DataError, match="expected a readable IDX file"):
        read_idx(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="expected a readable IDX file"):
        read_idx(tmp_path / "nowhere")


def write_mnist(folder, half="train", images=3, labels=3):
    (folder / f"{half}-images-idx3-ubyte").write_bytes(idx(np.ones((images, 28, 28))))
    (folder / f"{half}-labels-idx1-ubyte").write_bytes(idx(np.arange(labels)))


def test_the_halves_of_mnist_have_their_own_files(tmp_path):
    write_mnist(tmp_path, "train", 3, 3)
    write_mnist(tmp_path, "t10k", 2, 2)
    assert [len(part) for part in read_mnist(tmp_path, train=True)] == [3, 3]
    assert [len(part) for part in read_mnist(tmp_path, train=False)] == [2, 2]


def test_a_missing_file_of_mnist(tmp_path):
    write_mnist(tmp_path, "train")
    with pytest.raises(DataError, match="expected the file 't10k-images-idx3-ubyte' or") as caught:
        read_mnist(tmp_path, train=False)
    assert caught.value.diagnostics[0].file == str(tmp_path)


def test_images_and_labels_must_belong_together(tmp_path):
    write_mnist(tmp_path, images=3, labels=2)
    with pytest.raises(DataError, match=re.escape("expected 3 labels, one per image, found the shape (2,)")):
        read_mnist(tmp_path, train=True)


def test_images_must_have_rows_and_columns(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.ones(3)))
    with pytest.raises(DataError, match="expected images with 3 axes"):
        read_mnist(tmp_path, train=True)


def test_mnist_itself():
    folder = Path(__file__).parents[3] / "shared" / "mnist"
    if not folder.is_dir():
        pytest.skip("MNIST's files are not beside the repository")
    images, labels = read_mnist(folder, train=False)
    assert images.shape == (10000, 28, 28)
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
