"""`netspec data distorted-mnist`, `cluttered-mnist`, `mnist-sequence`, `gtsrb` and `documents`."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

import netspec
from netspec.cli import main
from netspec.data import distorted_digits, gtsrb
from netspec.data.database import open_database

SMALL = ["-source", "raw", "-any_digest", "-count", "9", "-test_count", "4"]


def test_distorted_sets(small, capsys):
    assert main(["data", "distorted-mnist", "out", *SMALL, "-set", "r,TC", "-workers", "2"]) == 0
    lines = [f"out/mnist_{name}_{half}_lmdb: {count} images" for name in ("r", "tc")
             for half, count in (("train", 9), ("test", 4))]  # fmt: skip
    assert capsys.readouterr().out.splitlines() == lines
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(
        Path(line.partition(":")[0]).name for line in lines
    )
    assert open_database(Path("out/mnist_tc_train_lmdb"), "LMDB").size() == 9


def test_what_comes_out_does_not_depend_on_the_workers(small):
    for workers in ("1", "4"):
        command = ["data", "distorted-mnist", workers, *SMALL, "-workers", workers, "-format", "images"]
        assert main(command) == 0
    one, four = (sorted(Path(folder).rglob("*.*")) for folder in ("1", "4"))
    assert [path.relative_to("1") for path in one] == [path.relative_to("4") for path in four]
    assert len(one) == 5 * (9 + 4 + 4)
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, four, strict=True))


def test_an_interrupted_builder_goes_on(small, capsys, monkeypatch):
    command = ["data", "distorted-mnist", "out", *SMALL]

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(distorted_digits.SETS, "p", interrupted)
        assert main(command) == 130
    assert len(list(Path("out").iterdir())) == 4
    capsys.readouterr()
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("there already") for line in lines] == [True] * 4 + [False] * 6


def test_another_seed_is_another_set(small, capsys):
    assert main(["data", "distorted-mnist", *SMALL, "-set", "e"]) == 0
    assert main(["data", "distorted-mnist", *SMALL, "-set", "e", "-seed", "1"]) == 1
    assert (
        "mnist_e_train_lmdb: error: is in the way: it was made with seed 0, not 1" in capsys.readouterr().err
    )


@pytest.mark.parametrize("sets", ["r,q", ","])
def test_unknown_sets(small, capsys, sets):
    assert main(["data", "distorted-mnist", *SMALL, "-set", sets]) == 2
    assert "expected r, rts, p, e or tc, with commas between them" in capsys.readouterr().err


def test_cluttered_digits_as_image_data_reads_them(small):
    assert main(["data", "cluttered-mnist", "out", *SMALL, "-canvas", "50", "-pieces=3"]) == 0
    Path("net.prototxt").write_text(
        'layer { name: "d" type: "ImageData" top: "data" top: "label"\n'
        '  image_data_param { source: "out/mnist_cluttered_test/list.txt" batch_size: 4 is_color: false } }\n'
    )
    tops = netspec.compile_net("net.prototxt")()
    assert tops["data"].shape == (4, 1, 50, 50)
    expected = [small["test"][1][number % 3] for number in range(4)]
    np.testing.assert_array_equal(tops["label"], expected)


def test_clutter_that_does_not_fit(small, capsys):
    assert main(["data", "cluttered-mnist", *SMALL, "-canvas", "20"]) == 1
    assert "a canvas of 20 pixels with pieces of 8 does not go with digits of 28" in capsys.readouterr().err


def test_sequences_as_hdf5_data_reads_them(small, capsys):
    assert main(["data", "mnist-sequence", "out", *SMALL]) == 0
    assert [line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "9 images", "4 images", "4 images"
    ]  # fmt: skip
    Path("net.prototxt").write_text(
        'layer { name: "d" type: "HDF5Data" top: "data" top: "label"\n'
        '  hdf5_data_param { source: "out/mnist_sequence_train_hdf5/list.txt" batch_size: 3 } }\n'
    )
    tops = netspec.compile_net("net.prototxt")()
    assert (tops["data"].shape, tops["label"].shape) == ((3, 1, 100, 100), (3, 3))


@pytest.mark.parametrize("format", ["hdf5", "images"])
def test_documents(tmp_path, monkeypatch, format):
    monkeypatch.chdir(tmp_path)
    command = ["data", "documents", "out", "-count", "6", "-test_count=2", "-width", "40", "-height=48"]
    command += ["-turn", "180"]
    assert main([*command, "-transform", "projective", "-format", format]) == 0
    if format == "hdf5":
        with h5py.File("out/documents_test_hdf5/0000.h5") as file:
            shapes = {name: dataset.shape for name, dataset in file.items()}
        assert shapes == {"data": (2, 1, 48, 40), "label": (2,), "theta": (2, 8)}
    else:
        assert cv2.imread("out/documents_train/00005.png", cv2.IMREAD_UNCHANGED).shape == (48, 40)
        with h5py.File("out/documents_train/theta.h5") as file:
            assert file["theta"].shape == (6, 8)
        listed = Path("out/documents_train/list.txt").read_text().split()
        assert {int(label) for label in listed[1::2]} <= {*range(8)}
        assert len({*listed[1::2]}) > 1


# Traffic signs --------------------------------------------------------------------------------------------

HEAD = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """The working directory, with the three archives in the folder raw: two tracks of two signs each."""
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    image = cv2.imencode(".ppm", np.full((9, 9, 3), 77, np.uint8))[1].tobytes()
    with zipfile.ZipFile("raw/GTSRB_Final_Training_Images.zip", "w") as file:
        place = "GTSRB/Final_Training/Images/00000"
        names = [f"{track:05d}_{frame:05d}.ppm" for track in range(2) for frame in range(2)]
        for name in names:
            file.writestr(f"{place}/{name}", image)
        file.writestr(f"{place}/GT-00000.csv", HEAD + "".join(f"{name};9;9;1;1;7;7;0\n" for name in names))
    with zipfile.ZipFile("raw/GTSRB_Final_Test_Images.zip", "w") as file:
        file.writestr("GTSRB/Final_Test/Images/00000.ppm", image)
    with zipfile.ZipFile("raw/GTSRB_Final_Test_GT.zip", "w") as file:
        file.writestr("GT-final_test.csv", HEAD + "00000.ppm;9;9;1;1;7;7;0\n")
    return Path("raw")


@pytest.fixture
def published(archives, monkeypatch):
    """Has these archives pass for the published ones."""
    digests = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in archives.iterdir()}
    monkeypatch.setattr(gtsrb, "_MD5", digests)


def test_signs(published, capsys):
    assert main(["data", "gtsrb", "out", "-source", "raw", "-size", "16", "-roi"]) == 0
    expected = [
        f"out/gtsrb_{name}_lmdb: {n} images" for name, n in (("train", 2), ("validation", 2), ("test", 1))
    ]
    assert capsys.readouterr().out.splitlines() == expected


def test_an_archive_alone(published, capsys):
    path = "raw/GTSRB_Final_Training_Images.zip"
    assert main(["data", "gtsrb", "out", "-source", path, "-format=images", "-validation", "0"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "out/gtsrb_train: 4 images\n"
    assert "There is no test part" in captured.err


def test_archives_of_another_digest(archives, capsys):
    assert main(["data", "gtsrb", "out", "-source", "raw"]) == 1
    error = capsys.readouterr().err
    assert "raw/GTSRB_Final_Training_Images.zip: error: is not the file that was published: MD5" in error
    assert "-any_digest" in error
    assert main(["data", "gtsrb", "out", "-source", "raw", "-any_digest", "-normalize", "local"]) == 0


def test_an_archive_that_is_cut_short(archives, capsys):
    path = archives / "GTSRB_Final_Training_Images.zip"
    path.write_bytes(path.read_bytes()[:-40])
    for flags in ([], ["-any_digest"]):
        assert main(["data", "gtsrb", "out", "-source", "raw", *flags]) == 1
        assert "raw/GTSRB_Final_Training_Images.zip: error: is no" in capsys.readouterr().err
    assert not Path("out").exists()


def test_images_hold_no_floats(archives, capsys):
    assert main(["data", "gtsrb", "-source", "raw", "-format", "images", "-normalize", "global"]) == 2
    assert "-format images holds no floats" in capsys.readouterr().err


def test_archives_are_downloaded(published, capsys, monkeypatch):
    monkeypatch.setattr(gtsrb.fetch_gtsrb, "__defaults__", ([f"{Path('raw').absolute().as_uri()}/"],))
    assert main(["data", "gtsrb", "out"]) == 0
    assert len(list(Path("out").glob("*.zip"))) == 3
    monkeypatch.setattr(gtsrb.fetch_gtsrb, "__defaults__", (["file:///nowhere/"],))
    assert main(["data", "gtsrb", "else"]) == 1
    assert ".zip: error: cannot be downloaded (file:///nowhere/GTSRB_Final_" in capsys.readouterr().err
