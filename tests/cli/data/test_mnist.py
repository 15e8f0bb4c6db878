"""`netspec data mnist`."""

from __future__ import annotations

import gzip
from pathlib import Path

import cv2
import numpy as np
import pytest

from netspec.cli import main
from netspec.data import mnist
from netspec.data.database import open_database
from netspec.data.idx import read_mnist

MNIST = ["data", "mnist"]


@pytest.fixture
def published(monkeypatch, small):
    """Has the small data set pass for the published one."""
    digests = {}
    for path in Path("raw").iterdir():
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        digests[path.name.removesuffix(".gz")] = mnist.sha256(content).hexdigest()
    monkeypatch.setattr(mnist, "_SHA256", digests)


def test_databases_as_caffes_example_makes_them(small, published, caffe, read_lmdb, capsys):
    assert main([*MNIST, "out", "-source", "raw"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "out/mnist_train_lmdb: 7 images\nout/mnist_test_lmdb: 3 images\n"
    assert "Processed 7 images." in captured.err
    for half, (images, labels) in small.items():
        records = read_lmdb(f"out/mnist_{half}_lmdb")
        assert [key for key, _ in records] == [b"%08d" % number for number in range(len(images))]
        for (_, value), image, label in zip(records, images, labels, strict=True):
            datum = caffe.datum(value)
            assert (datum.channels, datum.height, datum.width, datum.label) == (1, 28, 28, label)
            assert (datum.data, datum.HasField("encoded")) == (image.tobytes(), False)


def test_leveldb(small, published):
    pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")
    assert main([*MNIST, "-source", "raw", "-format", "leveldb"]) == 0
    assert open_database(Path("mnist_test_leveldb"), "LEVELDB").size() == 3


def test_images_with_their_lists(small, published):
    assert main([*MNIST, "out", "-source=raw", "--format=images"]) == 0
    for half, (images, labels) in small.items():
        lines = Path(f"out/mnist_{half}/list.txt").read_text().splitlines()
        assert lines == [f"{number:05d}.png {label}" for number, label in enumerate(labels)]
        for line, image in zip(lines, images, strict=True):
            path = f"out/mnist_{half}/{line.split()[0]}"
            np.testing.assert_array_equal(cv2.imread(path, cv2.IMREAD_UNCHANGED), image)


@pytest.mark.parametrize("format", ["lmdb", "images"])
def test_what_is_done_is_kept(small, published, capsys, monkeypatch, format):
    command = [*MNIST, "out", "-source", "raw", "-format", format]

    def interrupted_at_the_test_half(folder, *, train):
        if not train:
            raise KeyboardInterrupt
        return read_mnist(folder, train=True)

    with monkeypatch.context() as patch:
        patch.setattr(mnist, "read_mnist", interrupted_at_the_test_half)
        assert main(command) == 130
    (done,) = Path("out").iterdir()
    before = done.stat().st_mtime_ns
    capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"{done}: 7 images, there already"
    assert done.stat().st_mtime_ns == before
    assert len(list(Path("out").iterdir())) == 2


def test_an_interrupted_half_leaves_nothing(small, published, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cv2, "imencode", interrupted)
    assert main([*MNIST, "out", "-source", "raw", "-format", "images"]) == 130
    assert list(Path("out").iterdir()) == []


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_something_else_in_the_way(small, published, capsys, make):
    make(Path("mnist_test_lmdb"))
    assert main([*MNIST, "-source", "raw"]) == 1
    expected = "mnist_test_lmdb: error: is in the way: expected 3 images in it, found 0"
    assert expected in capsys.readouterr().err


def test_the_digests_are_those_of_the_published_files(small, capsys):
    assert main([*MNIST, "-source", "raw"]) == 1
    error = capsys.readouterr().err
    assert "raw/train-images-idx3-ubyte: error: is not the file that was published: SHA-256 " in error
    assert "-any_digest" in error
    assert main([*MNIST, "-source", "raw", "-any_digest"]) == 0


def test_the_published_files(tmp_path, capsys):
    folder = Path(__file__).parents[4] / "shared" / "mnist"
    if not folder.is_dir():
        pytest.skip("MNIST's files are not beside the repository")
    assert main([*MNIST, str(tmp_path), "-source", str(folder)]) == 0
    assert capsys.readouterr().out.endswith("mnist_test_lmdb: 10000 images\n")
    assert open_database(tmp_path / "mnist_train_lmdb", "LMDB").size() == 60000


def test_missing_files(small, published, capsys):
    Path("raw/t10k-images-idx3-ubyte").unlink()
    assert main([*MNIST, "-source", "raw"]) == 1
    assert "missing: t10k-images-idx3-ubyte\n" in capsys.readouterr().err
    assert main([*MNIST, "-source", "nowhere"]) == 1
    assert capsys.readouterr().err.startswith("nowhere: error: expected MNIST's four files in this folder")


def test_a_truncated_archive(small, capsys):
    path = Path("raw/train-labels-idx1-ubyte.gz")
    path.write_bytes(path.read_bytes()[:-9])
    for flags in ([], ["-any_digest"]):
        assert main([*MNIST, "-source", "raw", *flags]) == 1
        assert "raw/train-" in capsys.readouterr().err
    assert not Path("mnist_train_lmdb").exists()


def test_a_folder_that_cannot_be_made(small, published, capsys):
    Path("file").touch()
    for folder in ("file", "file/out"):
        assert main([*MNIST, folder, "-source", "raw"]) == 1
        assert capsys.readouterr().err.startswith(f"{folder}: error: cannot be written")


def test_what_is_missing_is_downloaded(small, published, capsys, monkeypatch):
    Path("mirror").mkdir()
    for path in Path("raw").iterdir():
        content = path.read_bytes()
        packed = content if path.suffix == ".gz" else gzip.compress(content)
        Path(f"mirror/{path.name.removesuffix('.gz')}.gz").write_bytes(packed)
    mirrors = [f"{Path(name).absolute().as_uri()}/" for name in ("gone", "mirror")]
    monkeypatch.setattr(mnist.fetch_mnist, "__defaults__", (mirrors,))
    Path("out").mkdir()
    Path("raw/t10k-images-idx3-ubyte").rename("out/t10k-images-idx3-ubyte")
    assert main([*MNIST, "out"]) == 0
    names = sorted(path.name for path in Path("out").iterdir() if path.is_file())
    assert names == ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz",
                     "train-labels-idx1-ubyte.gz"]  # fmt: skip
    monkeypatch.setattr(mnist.fetch_mnist, "__defaults__", (mirrors[:1],))
    assert main([*MNIST, "out"]) == 0
    Path("out/train-labels-idx1-ubyte.gz").unlink()
    assert main([*MNIST, "out"]) == 1
    error = capsys.readouterr().err
    assert "out/train-labels-idx1-ubyte.gz: error: cannot be downloaded (file://" in error
