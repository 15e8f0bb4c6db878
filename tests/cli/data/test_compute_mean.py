"""`netspec data compute-mean`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from netspec.cli import main
from netspec.data.binaryproto import read_binaryproto
from netspec.data.database_writer import write_database
from netspec.schema.messages import Datum

MEAN = ["data", "compute-mean"]


@pytest.fixture
def database(tmp_path, monkeypatch):
    """Writes a database of images (C, H, W), bytes or floats, as the folder db."""
    monkeypatch.chdir(tmp_path)

    def write(images, backend="LMDB", name="db"):
        def record(number, image):
            channels, height, width = image.shape
            values = {"data": image.tobytes()} if image.dtype == np.uint8 else {"float_data": image.ravel()}
            datum = Datum(channels=channels, height=height, width=width, label=number, **values)
            return b"%03d" % number, datum.SerializeToString()

        write_database(Path(name), backend, (record(*pair) for pair in enumerate(images)))

    return write


def test_the_mean_that_caffe_computed(golden, capsys):
    assert main([*MEAN, "raw_lmdb", "ours.binaryproto"]) == 0
    assert Path("ours.binaryproto").read_bytes() == Path("mean.binaryproto").read_bytes()
    captured = capsys.readouterr()
    assert "Number of channels: 3" in captured.err
    assert "mean_value channel [0]:123.878" in captured.err
    assert captured.out == "mean_value: 123.878 mean_value: 123.584 mean_value: 124.253\n"


@pytest.mark.parametrize("workers", ["1", "4"])
def test_images_that_are_encoded(golden, workers):
    assert main([*MEAN, "-workers", workers, "png_lmdb", "ours.binaryproto"]) == 0
    ours, theirs = (read_binaryproto(Path(f"{name}.binaryproto")) for name in ("ours", "mean"))
    assert ours[1] == theirs[1] == [1, 3, 20, 26]
    np.testing.assert_array_equal(ours[0], theirs[0])


def test_a_leveldb_is_known_as_one(golden, capsys):
    pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")
    assert main([*MEAN, "gray_leveldb"]) == 0
    assert main([*MEAN, "-backend=leveldb", "gray_leveldb"]) == 0
    assert main([*MEAN, "-backend=lmdb", "gray_leveldb"]) == 1
    assert "is a database of LevelDB, not of LMDB" in capsys.readouterr().err


def test_for_readers_that_know_only_caffe(database, caffe):
    images = np.random.default_rng(0).integers(256, size=(9, 2, 3, 4)).astype(np.uint8)
    database(images)
    assert main([*MEAN, "db", "mean"]) == 0
    blob = caffe.blob(Path("mean").read_bytes())
    assert (blob.num, blob.channels, blob.height, blob.width) == (1, 2, 3, 4)
    np.testing.assert_allclose(blob.data, images.mean(axis=0).ravel(), rtol=1e-6)


def test_sums_are_taken_in_turn_in_float32(database):
    images = np.full((5, 1, 1, 1), 1, np.float32)
    images[0] = 2**24  # to which float32 can add no 1
    database(images)
    assert main([*MEAN, "db", "mean"]) == 0
    assert read_binaryproto(Path("mean"))[0].tolist() == [float(np.float32(2**24) / np.float32(5))]


def test_an_old_mean_is_replaced_whole(database, monkeypatch, capsys):
    database(np.zeros((1, 1, 2, 2), np.uint8))
    Path("mean").write_text("old")
    assert main([*MEAN, "db", "mean"]) == 0
    assert Path("mean").read_bytes() != b"old"
    assert sorted(path.name for path in Path().iterdir()) == ["db", "mean"]


def test_sizes_that_differ(database, capsys):
    database([np.zeros((1, 2, 2), np.uint8), np.zeros((1, 2, 3), np.uint8)])
    assert main([*MEAN, "db", "mean"]) == 1
    assert "the image of record '001' is 1x2x3, those before it 1x2x2" in capsys.readouterr().err
    assert not Path("mean").exists()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"\xff\xff", "record 'k' is no Datum: 2 bytes"),
        (Datum(channels=1, height=2, width=2, data=b"123").SerializeToString(), "shape 1x2x2, but 3 values"),
        (Datum(encoded=True, data=b"123").SerializeToString(), "record 'k' holds no image"),
    ],
)
def test_a_broken_record(tmp_path, monkeypatch, capsys, value, message):
    monkeypatch.chdir(tmp_path)
    write_database(Path("db"), "LMDB", [(b"k", value)])
    assert main([*MEAN, "db"]) == 1
    assert message in capsys.readouterr().err


def test_no_database(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, said in (("nowhere", "there is no such folder"), (".", "this is no LMDB and no LevelDB")):
        assert main([*MEAN, name]) == 1
        assert capsys.readouterr().err.startswith(f"{name}: error: {said}")
    write_database(Path("db"), "LMDB", [])
    assert main([*MEAN, "db"]) == 1
    assert "there are no images to take the mean of" in capsys.readouterr().err


def test_a_place_where_nothing_can_be_written(database, capsys):
    database(np.zeros((1, 1, 2, 2), np.uint8))
    assert main([*MEAN, "db", "no/mean"]) == 1
    assert capsys.readouterr().err.startswith("no/mean: error: there is no folder 'no'")
    assert main([*MEAN, "db", "db"]) == 1
    assert capsys.readouterr().err.startswith("db: error: is a folder")


def test_the_mean_goes_into_a_net(golden):
    """The mean file of an encoded database, through Caffe's own recording of a net that subtracts it."""
    import netspec

    assert main([*MEAN, "png_lmdb", "mean.binaryproto"]) == 0
    net = netspec.compile_net("data_lmdb_mean_file_crop.prototxt", phase="TEST")
    recorded = np.load("data_lmdb_mean_file_crop.npz")
    np.testing.assert_array_equal(net()["data"], recorded["batch/0/data"])


def test_a_gray_png_is_one_channel(database, tmp_path, capsys):
    data = cv2.imencode(".png", np.full((3, 2), 7, np.uint8))[1].tobytes()
    write_database(tmp_path / "db", "LMDB", [(b"k", Datum(encoded=True, data=data).SerializeToString())])
    assert main([*MEAN, "db"]) == 0
    assert capsys.readouterr().out == "mean_value: 7\n"
