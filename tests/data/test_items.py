"""Sources of images one by one; tests/cli/data/test_inspect.py holds what each kind tells."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from netspec.data.database_writer import write_database
from netspec.data.items import DatabaseItems, open_items
from netspec.errors import DataError
from netspec.schema.messages import Datum


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_datum_records(in_folder):
    data = [Datum(channels=1, height=1, width=2, data=b"\1\2", label=9), Datum(channels=2, height=1, width=1)]
    data[1].float_data.extend([0.5, 1.5])
    write_database(
        Path("db"), "LMDB", [(b"k%d" % at, datum.SerializeToString()) for at, datum in enumerate(data)]
    )
    items = open_items(Path("db"))
    assert (len(items), items.kind) == (2, "LMDB")
    first, second = items(0), items(1)
    assert (first.name, first.stored, first.label, first.values.tolist()) == ("k0", "bytes", 9, [[[1, 2]]])
    assert (second.stored, second.label, second.values.tolist()) == ("floats", None, [[[0.5]], [[1.5]]])


def test_the_kind_of_a_database_may_be_told(in_folder):
    write_database(Path("db"), "LMDB", [])
    assert len(DatabaseItems(Path("db"), "LMDB")) == 0
    with pytest.raises(DataError, match="is a database of LMDB, not of LevelDB"):
        DatabaseItems(Path("db"), "LEVELDB")


def test_the_images_of_an_hdf5_file_are_its_dataset_of_four_axes(in_folder):
    with h5py.File("a.h5", "w") as file:
        file["a"] = np.arange(6.0).reshape(3, 2)
        file["image"] = np.arange(12.0).reshape(3, 1, 2, 2)
        file["label"] = np.arange(3)[:, None]
        file["of_another_length"] = np.zeros(7)
        file["names"] = [b"x", b"y", b"z"]
    items = open_items(Path("a.h5"))
    assert items.kind == "HDF5, rows of a 2, image 1x2x2, label 1"
    assert (len(items), items(2).label, items(1).values.tolist()) == (3, 2, [[[4, 5], [6, 7]]])


def test_an_hdf5_file_without_rows_of_numbers(in_folder):
    with h5py.File("a.h5", "w") as file:
        file["scalar"] = 3
        file.create_group("group")
    with pytest.raises(DataError, match="holds no datasets of numbers with rows"):
        open_items(Path("a.h5"))
    Path("list.txt").write_text("a.h5\n")
    with pytest.raises(DataError, match=r"a\.h5: error: holds no datasets of numbers with rows"):
        open_items(Path("list.txt"))


def test_damaged_hdf5_files(in_folder):
    with h5py.File("whole.h5", "w") as file:
        file["data"] = np.zeros((3, 2))
    whole = np.frombuffer(Path("whole.h5").read_bytes(), np.uint8)
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        broken = whole.copy()
        broken[random.integers(200, size=2)] = random.integers(256, size=2)
        Path("a.h5").write_bytes(broken.tobytes())
        try:
            open_items(Path("a.h5"))
        except DataError:
            refused += 1
    assert 100 < refused < 300


def test_a_path_that_is_no_source_comes_with_a_way_out(in_folder):
    with pytest.raises(DataError, match=r"db: error: there is no such folder\n.*expected an LMDB"):
        DatabaseItems(Path("db"))
    write_database(Path("db"), "LMDB", [])
    for read, message in ((open_items, "holds images"), (DatabaseItems, "is a file, not the folder")):
        with pytest.raises(DataError, match=rf"data\.mdb: error: .*{message}.*\n.*name its folder, 'db'"):
            read(Path("db/data.mdb"))
    Path("mean").write_bytes(bytes(9))
    with pytest.raises(DataError, match="`netspec inspect` is for weights and mean images"):
        open_items(Path("mean"))
