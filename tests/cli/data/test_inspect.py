"""`netspec data inspect`."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from netspec.cli import main
from netspec.data.database_writer import write_database
from netspec.schema.messages import AnnotatedDatum, Datum

INSPECT = ["data", "inspect"]


@pytest.fixture
def facts(capsys):
    """Runs the tool; its first lines as a mapping, and all of its report."""

    def run(*argv, status=0):
        assert main([*INSPECT, *argv]) == status
        out = capsys.readouterr().out
        lines = out.partition("\n\n")[0].splitlines()
        return {line[:10].strip(): line[10:] for line in lines}, out

    return run


def test_a_database(golden, facts):
    found, out = facts("raw_lmdb")
    assert found == {
        "source": "raw_lmdb",
        "kind": "LMDB",
        "records": "8",
        "stored": "8 bytes of 3x20x26",
        "values": "0 to 254, mean 123.905",
        "labels": "0 to 9, 8 different",
        "keys": "00000000_images/im0.png ... 00000007_images/im7.jpg",
    }
    assert out.splitlines()[-8:] == [f"{label:>5}  {1:>7}  {'#' * 30}" for label in (0, 1, 3, 4, 6, 7, 8, 9)]
    assert facts("png_lmdb")[0]["stored"] == "8 png of 3x20x26"


def test_a_leveldb(golden, facts):
    pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")
    found, _ = facts("gray_leveldb")
    assert (found["kind"], found["stored"]) == ("LEVELDB", "8 bytes of 1x20x26")


def test_an_image_list(golden, facts):
    found, out = facts("list_base.txt", "-root_folder", "images/")
    assert (found["kind"], found["stored"]) == ("image list", "7 png, 1 jpeg")
    assert "\n3x46x40        1\n" in out
    assert facts("list.txt")[0]["keys"] == "images/im0.png ... images/im7.jpg"


@pytest.mark.parametrize("source", ["data.h5", "h5list.txt"])
def test_hdf5(golden, facts, source):
    found, _ = facts(source)
    assert found["kind"].endswith(", rows of feat 3x4x5, label scalars")
    assert found["kind"].startswith("HDF5" if source == "data.h5" else "list of HDF5 files")
    with h5py.File("data.h5") as file:
        feat, label = file["feat"][:], file["label"][:]
    assert found["values"] == f"{feat.min():g} to {feat.max():g}, mean {feat.astype(float).mean():g}"
    assert found["records"] == str(len(feat))
    assert found["labels"] == f"{label.min():g} to {label.max():g}, {len(np.unique(label))} different"


def test_idx_with_the_labels_beside_it(tmp_path, facts):
    def write(name, axes, data):
        header = bytes((0, 0, 8, len(axes))) + b"".join(axis.to_bytes(4, "big") for axis in axes)
        (tmp_path / name).write_bytes(header + data)
        return str(tmp_path / name)

    path = write("train-images-idx3-ubyte", (2, 2, 3), bytes(range(12)))
    found, _ = facts(path)
    assert (found["kind"], found["stored"], found["labels"]) == ("IDX", "2 bytes of 1x2x3", "none")
    labels = write("train-labels-idx1-ubyte", (2,), b"\3\5")
    assert facts(path)[0]["labels"] == facts(labels)[0]["labels"] == "3 to 5, 2 different"


def test_what_is_not_a_number_is_counted(tmp_path, facts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.asarray([[1, 2], [np.nan, 5], [np.inf, -1]], np.float32)
    found, _ = facts(str(tmp_path / "a.h5"))
    assert found["values"] == "-1 to 5, mean 1.75; 2 records hold NaN or infinity"


def test_annotated_records(tmp_path, facts):
    datum = Datum(channels=1, height=1, width=2, data=b"\1\2")
    write_database(tmp_path / "db", "LMDB", [(b"k", AnnotatedDatum(datum=datum).SerializeToString())])
    found, _ = facts(str(tmp_path / "db"))
    assert found["stored"] == "1 bytes in AnnotatedDatum of 1x1x2"
    assert found["labels"] == "none"


def test_more_classes_and_shapes_than_are_worth_reading(tmp_path, facts):
    def record(number):
        datum = Datum(channels=1, height=1, width=number + 1, data=bytes(number + 1), label=number)
        return b"%03d" % number, datum.SerializeToString()

    write_database(tmp_path / "db", "LMDB", map(record, range(25)))
    _, out = facts(str(tmp_path / "db"))
    assert out.count("... and 5 more") == 2


def test_broken_records_are_named_and_the_rest_is_told(images, facts, capsys):
    Path("img/2.png").write_text("no image")
    assert main([*INSPECT, "-root_folder=img/", "list.txt"]) == 1
    captured = capsys.readouterr()
    assert "records   4, 1 of them broken" in captured.out
    assert "stored    3 png of 3x6x5" in captured.out
    assert "list.txt:3:1: error: cannot read image '2.png'" in captured.err


def test_only_broken_records(tmp_path, facts, capsys):
    write_database(tmp_path / "db", "LMDB", [(b"%d" % number, b"\xff") for number in range(30)])
    assert main([*INSPECT, str(tmp_path / "db"), "-o", str(tmp_path / "sheet.png")]) == 1
    captured = capsys.readouterr()
    assert "records   30, 30 of them broken" in captured.out
    assert "not written, there are no images to draw" in captured.out
    assert captured.err.count("is no Datum") == 10


def test_a_contact_sheet(golden, facts):
    _, out = facts("raw_lmdb", "-o", "sheet.png")
    assert out.endswith("contact sheet: sheet.png\n")
    sheet = cv2.imread("sheet.png")
    assert sheet.shape[1] == 4 * 112
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 100


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b" \n", "empty.txt: error: the list is empty"),
        ("a.bin", b"\0\1\2", "a.bin: error: this file is none that holds images"),
        ("a.h5", b"\x89HDF\r\n\x1a\n1234", "a.h5: error: cannot be read as HDF5"),
        ("a.gz", b"\x1f\x8b123456", "a.gz: error: expected a readable IDX file"),
        ("list.txt", b"gone.h5\n", "list.txt:1:1: error: no such HDF5 file: 'gone.h5'"),
        ("labels.txt", b"a.png one\n", "labels.txt:1:1: error: expected a line `path label`"),
    ],
)
def test_sources_that_are_none(tmp_path, monkeypatch, capsys, name, content, message):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    assert main([*INSPECT, name]) == 1
    assert message in capsys.readouterr().err


def test_nothing_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*INSPECT, "nowhere"]) == 1
    assert capsys.readouterr().err.startswith("nowhere: error: cannot be read: No such file or directory")
    assert main([*INSPECT, "."]) == 1
    assert capsys.readouterr().err.startswith(".: error: this is no LMDB and no LevelDB")


def test_a_sheet_that_cannot_be_written(golden, capsys):
    assert main([*INSPECT, "raw_lmdb", "-o", "sheet.txt"]) == 2
    assert "expected the name of a picture" in capsys.readouterr().err
    assert main([*INSPECT, "raw_lmdb", "-o", "no/sheet.png"]) == 1
    assert "there is no folder 'no'" in capsys.readouterr().err
