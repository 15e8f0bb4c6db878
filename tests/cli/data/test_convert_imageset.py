"""`netspec data convert-imageset`."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest

import netspec
from netspec.cli import main
from netspec.data.database import open_database

CONVERT = ["data", "convert-imageset"]
NET = """
layer {
  name: "d" type: "Data" top: "data" top: "label"
  data_param { source: "db" batch_size: 4 backend: LMDB }
}
"""


def decoded(datum, flag=cv2.IMREAD_UNCHANGED):
    return cv2.imdecode(np.frombuffer(datum.data, np.uint8), flag)


def heads(text):
    """The lines of a report that name what is wrong."""
    return [line for line in text.splitlines() if ": error: " in line]


@pytest.mark.parametrize(
    ("database", "flags"),
    [
        ("raw_lmdb", ["-resize_width", "26", "-resize_height", "20"]),
        ("gray_leveldb", ["-gray", "-resize_width=26", "-resize_height=20", "-backend", "leveldb"]),
    ],
)
def test_what_caffe_wrote_to_the_byte(golden, database, flags):
    backend = database.partition("_")[2].upper()
    if backend == "LEVELDB":
        pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")
    assert main([*CONVERT, *flags, "./", "list.txt", "ours"]) == 0
    ours, theirs = (open_database(Path(path), backend) for path in ("ours", database))
    assert ours.size() == theirs.size() == 8
    assert ours.read(0, 8)[:7] == theirs.read(0, 8)[:7]
    key, value = ours.read(7, 1)[0]  # the one JPEG, of which decoders make slightly different pixels
    assert (key, len(value)) == (theirs.read(7, 1)[0][0], len(theirs.read(7, 1)[0][1]))


def test_the_images_that_caffe_encoded(golden, caffe, read_lmdb):
    flags = ["-encode_type", "png", "--resize-width", "26", "--resize_height=20"]
    assert main([*CONVERT, *flags, "", "list.txt", "ours"]) == 0
    for ours, theirs in list(zip(read_lmdb("ours"), read_lmdb("png_lmdb"), strict=True))[:7]:
        datum, expected = caffe.datum(ours[1]), caffe.datum(theirs[1])
        assert ours[0] == theirs[0]
        assert [field.name for field, _ in datum.ListFields()] == ["data", "label", "encoded"]
        assert (datum.label, datum.encoded) == (expected.label, True)
        np.testing.assert_array_equal(decoded(datum), decoded(expected))


def test_records_for_readers_that_know_only_caffe(images, caffe, read_lmdb, capsys):
    assert main([*CONVERT, "img/", "list.txt", "db"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "db: 4 records\n"
    assert "A total of 4 images." in captured.err
    assert "Processed 4 files." in captured.err
    records = read_lmdb("db")
    assert [key for key, _ in records] == [b"%08d_%d.png" % (number, number) for number in range(4)]
    for number, (_, value) in enumerate(records):
        datum = caffe.datum(value)
        assert (datum.channels, datum.height, datum.width, datum.label) == (3, 6, 5, 10 * number)
        assert datum.HasField("encoded")
        assert not datum.encoded
        assert datum.data == images[number].transpose(2, 0, 1).tobytes()
    assert [path.name for path in Path("db").iterdir()] == ["data.mdb"]


def test_through_the_data_layer(images):
    assert main([*CONVERT, "img", "list.txt", "db"]) == 0
    Path("net.prototxt").write_text(NET)
    out = netspec.compile_net("net.prototxt", phase="TEST")()
    np.testing.assert_array_equal(out["data"], images.transpose(0, 3, 1, 2).astype(np.float32))
    assert out["label"].tolist() == [0, 10, 20, 30]


def test_a_tab_before_the_label(images, caffe, read_lmdb):
    Path("list.txt").write_text("0.png\t7\n1.png  8\n")
    assert main([*CONVERT, "img/", "list.txt", "db"]) == 0
    assert [(key, caffe.datum(value).label) for key, value in read_lmdb("db")] == [
        (b"00000000_0.png", 7),
        (b"00000001_1.png", 8),
    ]


def test_encoded_keeps_the_files(images, caffe, read_lmdb):
    assert main([*CONVERT, "-encoded", "img/", "list.txt", "db"]) == 0
    for number, (_, value) in enumerate(read_lmdb("db")):
        datum = caffe.datum(value)
        assert datum.data == Path(f"img/{number}.png").read_bytes()
        assert (datum.encoded, datum.label, datum.HasField("channels")) == (True, 10 * number, False)


@pytest.mark.parametrize(
    ("flags", "start", "shape"),
    [
        (["-encode_type", "jpg"], b"\xff\xd8", (6, 5, 3)),
        (["-encode_type", "PNG", "-gray"], b"\x89PNG", (6, 5)),
        (["-encoded", "-resize_width", "9", "-resize_height", "8"], b"\x89PNG", (8, 9, 3)),
    ],
)
def test_encoded_anew(images, caffe, read_lmdb, flags, start, shape):
    assert main([*CONVERT, *flags, "img/", "list.txt", "db"]) == 0
    datum = caffe.datum(read_lmdb("db")[1][1])
    assert datum.data.startswith(start)
    assert decoded(datum).shape == shape


def test_gray_files_are_kept_where_gray_is_asked_for(images, caffe, read_lmdb):
    assert cv2.imwrite("img/0.png", images[0][..., 0])
    assert main([*CONVERT, "-gray", "-encoded", "img/", "list.txt", "db"]) == 0
    kept, made = (caffe.datum(value) for _, value in read_lmdb("db")[:2])
    assert kept.data == Path("img/0.png").read_bytes()
    assert made.data != Path("img/1.png").read_bytes()


def test_jpeg_is_jpg(images, caffe, read_lmdb):
    assert cv2.imwrite("img/a.JPEG", images[0])
    Path("one.txt").write_text("a.JPEG 3\n")
    assert main([*CONVERT, "-encode_type", "jpg", "img/", "one.txt", "db"]) == 0
    assert caffe.datum(read_lmdb("db")[0][1]).data == Path("img/a.JPEG").read_bytes()


def test_a_shuffled_order_is_drawn_from_the_seed(images, caffe, read_lmdb):
    Path("many.txt").write_text("".join(f"0.png {label}\n" for label in range(50)))

    def labels(name, *flags):
        assert main([*CONVERT, *flags, "img/", "many.txt", name]) == 0
        records = read_lmdb(name)
        assert [key[:8] for key, _ in records] == [b"%08d" % number for number in range(50)]
        return [caffe.datum(value).label for _, value in records]

    orders = [labels(f"db{seed}", "-shuffle", "-seed", str(seed)) for seed in (1, 2)]
    assert sorted(orders[0]) == sorted(orders[1]) == labels("plain") == list(range(50))
    assert orders[0] != orders[1]
    assert labels("again", "-shuffle", "-seed", "1", "-workers", "3") == orders[0]


def test_the_order_does_not_depend_on_the_workers(images, read_lmdb):
    Path("many.txt").write_text("".join(f"{label % 4}.png {label}\n" for label in range(60)))
    for workers in (1, 5):
        assert main([*CONVERT, f"-workers={workers}", "img/", "many.txt", f"db{workers}"]) == 0
    assert read_lmdb("db1") == read_lmdb("db5")


def test_large_labels_and_names_of_all_kinds(images, caffe, read_lmdb):
    Path("img/0.png").rename("img/a bß.png")
    Path("one.txt").write_text("a bß.png 16777217\na bß.png -3\n", encoding="utf-8")
    assert main([*CONVERT, "img/", "one.txt", "db"]) == 0
    records = read_lmdb("db")
    assert records[0][0].decode() == "00000000_a bß.png"
    assert [caffe.datum(value).label for _, value in records] == [16777217, -3]


def test_a_root_is_put_in_front_of_names_as_it_is(images, read_lmdb):
    for number in range(4):
        Path(f"img/{number}.png").rename(f"img/pre_{number}.png")
    assert main([*CONVERT, "img/pre_", "list.txt", "db"]) == 0
    assert len(read_lmdb("db")) == 4
    assert main([*CONVERT, f"{Path.cwd()}/img/pre_", "list.txt", "absolute"]) == 0


def test_different_sizes_are_remarked(images, capsys):
    assert cv2.imwrite("img/2.png", images[2][:3])
    assert main([*CONVERT, "img/", "list.txt", "db"]) == 0
    assert "have different sizes" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [[], ["-encoded"]])
def test_check_size(images, capsys, flags):
    assert main([*CONVERT, "-check_size", *flags, "img/", "list.txt", "even"]) == 0
    assert cv2.imwrite("img/2.png", images[2][:3])
    capsys.readouterr()
    assert main([*CONVERT, "-check_size", *flags, "img/", "list.txt", "db"]) == 1
    assert heads(capsys.readouterr().err) == [
        "list.txt:3:1: error: image '2.png' is 3x3x5, the first one (line 1) 3x6x5",
        "list.txt: error: 1 of 4 images cannot be used: line 3",
    ]
    assert not Path("db").exists()


def test_all_images_that_cannot_be_read_are_named(images, capsys):
    Path("img/1.png").unlink()
    Path("img/3.png").write_text("not an image")
    assert main([*CONVERT, "img/", "list.txt", "db"]) == 1
    error = capsys.readouterr().err
    assert heads(error) == [
        "list.txt:2:1: error: no such image: 'img/1.png'",
        "list.txt:4:1: error: cannot read image '3.png'",
        "list.txt: error: 2 of 4 images cannot be used: lines 2, 4",
    ]
    assert "-skip_bad leaves such images out" in error
    assert sorted(path.name for path in Path().iterdir()) == ["img", "list.txt"]


def test_bad_images_can_be_left_out(images, caffe, read_lmdb, capsys):
    Path("img/1.png").unlink()
    assert main([*CONVERT, "-skip_bad", "img/", "list.txt", "db"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "db: 3 records\n"
    assert "list.txt:2:1: error: no such image: 'img/1.png'" in captured.err
    assert [key for key, _ in read_lmdb("db")] == [b"%08d_%d.png" % (n, n) for n in (0, 2, 3)]


@pytest.mark.parametrize("flags", [[], ["-skip_bad"]])
def test_a_wrong_root(images, capsys, flags):
    assert main([*CONVERT, *flags, "./", "list.txt", "db"]) == 1
    assert "is './' what the names in the list start from?" in capsys.readouterr().err
    assert main([*CONVERT, *flags, "nowhere/", "list.txt", "db"]) == 1
    assert capsys.readouterr().err.startswith("nowhere/: error: no such folder")
    assert not Path("db").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "wrong.txt: error: cannot read the image list: No such file or directory"),
        ("\n \n", "wrong.txt: error: the image list is empty"),
        ("0.png 1\n1.png\n", "wrong.txt:2:1: error: expected a line `path label` with an integer label"),
        ("0.png 3000000000\n", "wrong.txt:1:1: error: label 3000000000 does not fit into 32 bits"),
    ],
)
def test_a_wrong_list(images, capsys, text, message):
    if text is not None:
        Path("wrong.txt").write_text(text)
    assert main([*CONVERT, "img/", "wrong.txt", "db"]) == 1
    assert message in capsys.readouterr().err.splitlines()
    assert not Path("db").exists()


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_what_is_there_stays(images, capsys, make):
    make(Path("db"))
    assert main([*CONVERT, "img/", "list.txt", "db"]) == 1
    assert capsys.readouterr().err == (
        "db: error: already exists\n   help: remove it first, or give another name\n"
    )


def test_a_folder_that_is_not_there(images, capsys):
    assert main([*CONVERT, "img/", "list.txt", "no/db"]) == 1
    assert "no/db: error: cannot be written: No such file or directory" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only(images, capsys):
    Path("fixed").mkdir(mode=0o555)
    assert main([*CONVERT, "img/", "list.txt", "fixed/db"]) == 1
    assert "fixed/db: error: cannot be written: Permission denied" in capsys.readouterr().err


def test_a_full_disk(images, capsys):
    Path("many.txt").write_text("".join(f"{label % 4}.png {label}\n" for label in range(2000)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, hard))
    try:
        assert main([*CONVERT, "img/", "many.txt", "db"]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "db: error: cannot be written: " in capsys.readouterr().err
    assert not [path for path in Path().iterdir() if "db" in path.name]


def test_an_interrupt_leaves_nothing(images, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("netspec.data.imageset.decode", interrupted)
    assert main([*CONVERT, "img/", "list.txt", "db"]) == 130
    assert not [path for path in Path().iterdir() if "db" in path.name]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-resize_width", "5"], "-resize_width and -resize_height go together"),
        (["-resize_width", "-5"], "a number of pixels is expected, not '-5'"),
        (["-encode_type", "xyz"], "OpenCV writes no images of type 'xyz'"),
        (["-backend", "rocksdb"], "expected lmdb or leveldb, not 'rocksdb'"),
    ],
)
def test_a_wrong_command_line(images, capsys, flags, message):
    assert main([*CONVERT, *flags, "img/", "list.txt", "db"]) == 2
    assert message in capsys.readouterr().err


def test_a_name_that_does_not_tell_how_to_encode(images, capsys):
    Path("img/0.png").rename("img/zero")
    Path("one.txt").write_text("zero 1\n")
    assert main([*CONVERT, "-encoded", "img/", "one.txt", "db"]) == 1
    assert "'zero' does not tell by its suffix how to encode it" in capsys.readouterr().err
    assert main([*CONVERT, "-encode_type=png", "img/", "one.txt", "db"]) == 0


def test_the_database_is_readable_by_all(images):
    assert main([*CONVERT, "img/", "list.txt", "db"]) == 0
    assert Path("db").stat().st_mode & 0o777 == 0o755
    with lmdb.open("db", readonly=True) as environment:  # makes the lock file that netspec needs not
        assert environment.stat()["entries"] == 4
