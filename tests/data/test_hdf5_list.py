import copy
import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
import torch

from netspec.data.hdf5_list import Hdf5Rows, read_hdf5_list
from netspec.errors import DataError
from netspec.text.source import Source, Span

LENGTHS = (3, 4, 1)
TOTAL = sum(LENGTHS)


@pytest.fixture
def folder(tmp_path):
    """Three files; row r of the list has the label r, and an image full of r."""
    row = 0
    for index, length in enumerate(LENGTHS):
        labels = np.arange(row, row + length)
        with h5py.File(tmp_path / f"{index}.h5", "w") as file:
            file["label"] = labels
            file["data"] = np.broadcast_to(labels[:, None, None], (length, 2, 3)).astype(np.float64)
        row += length
    (tmp_path / "list.txt").write_text("0.h5\n1.h5\n\n 2.h5 \n")
    return tmp_path


def _files(path, names=("data", "label"), **settings):
    return read_hdf5_list(path / "list.txt", dict.fromkeys(names), **settings)


def _stream(folder, **settings):
    return Hdf5Rows(_files(folder), **settings)


def _labels(stream, batches):
    return [int(label) for index in range(batches) for label in stream.batch(index)[1]]


def test_what_the_files_have_in_common(folder):
    files = _files(folder)
    assert files.rows == {"data": (2, 3), "label": ()}
    assert [(file.path.name, file.rows) for file in files.files] == [("0.h5", 3), ("1.h5", 4), ("2.h5", 1)]
    assert [file.span.line for file in files.files] == [1, 2, 4]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8, 21])
def test_rows_in_turn_across_the_ends_of_files(folder, batch_size):
    stream = _stream(folder, batch_size=batch_size)
    assert stream.shapes == ((batch_size, 2, 3), (batch_size,))
    assert _labels(stream, 9) == [row % TOTAL for row in range(9 * batch_size)]
    data, labels = stream.batch(1)
    assert data.dtype == labels.dtype == torch.float32
    assert (data == labels[:, None, None]).all()


def test_shuffled_passes_go_file_by_file(folder):
    stream = _stream(folder, batch_size=TOTAL, shuffle=True)
    orders = set()
    for epoch in range(12):
        data, labels = stream.batch(epoch)
        rows = labels.int().tolist()
        assert sorted(rows) == list(range(TOTAL))
        assert (data == labels[:, None, None]).all()
        file_of = np.repeat(range(len(LENGTHS)), LENGTHS)[rows]
        assert 1 + np.count_nonzero(np.diff(file_of)) == len(LENGTHS)
        orders.add((tuple(rows), tuple(dict.fromkeys(file_of.tolist()))))
    assert len(orders) > 9
    assert len(Counter(files for _, files in orders)) > 3


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_is_a_function_of_its_number(folder, shuffle):
    settings = {"batch_size": 3, "shuffle": shuffle, "seed": 2}
    in_order = [_stream(folder, **settings).batch(index) for index in range(20)]
    stream = _stream(folder, **settings)
    with ThreadPoolExecutor(4) as pool:
        for index, batch in zip(
            reversed(range(20)), pool.map(stream.batch, reversed(range(20))), strict=True
        ):
            assert all(map(torch.equal, batch, in_order[index]))
    for again in (copy.deepcopy(stream), pickle.loads(pickle.dumps(stream))):
        assert torch.equal(again.batch(7)[1], in_order[7][1])


def test_seeds_give_other_orders(folder):
    orders = {tuple(_labels(_stream(folder, batch_size=TOTAL, shuffle=True, seed=s), 1)) for s in range(5)}
    assert len(orders) == 5


def test_only_the_rows_of_a_batch_are_read(folder):
    with h5py.File(folder / "0.h5", "w") as file:  # 4 TB, of which nothing is stored
        for name, shape in (("data", (10**9, 2, 512)), ("label", (10**9,))):
            file.create_dataset(name, shape, chunks=(64, *shape[1:]), fillvalue=3, dtype=np.float32)
    (folder / "list.txt").write_text("0.h5\n")
    data, labels = _stream(folder, batch_size=2).batch(10**8)
    assert (data == 3).all()
    assert labels.tolist() == [3, 3]


def test_compressed_and_of_any_number_type(folder):
    for dtype in (">f8", "<u1", "<i8", "<f2"):
        with h5py.File(folder / "0.h5", "w") as file:
            file.create_dataset("x", data=np.arange(40).reshape(8, 5).astype(dtype), compression="gzip")
        (folder / "list.txt").write_text("0.h5")
        for shuffle in (False, True):
            (x,) = Hdf5Rows(_files(folder, ["x"]), batch_size=8, shuffle=shuffle).batch(0)
            assert sorted(x.flatten().tolist()) == list(range(40))


def test_names_are_looked_for_in_three_places(folder, tmp_path_factory, monkeypatch):
    lists, elsewhere = tmp_path_factory.mktemp("lists"), tmp_path_factory.mktemp("elsewhere")
    (lists / "list.txt").write_text("0.h5\n")
    monkeypatch.chdir(elsewhere)
    assert _files(lists, folder=folder).files[0].path == folder / "0.h5"
    (lists / "0.h5").write_bytes((folder / "1.h5").read_bytes())
    assert _files(lists, folder=folder).files[0].path == lists / "0.h5"
    (elsewhere / "0.h5").write_bytes((folder / "1.h5").read_bytes())
    assert str(_files(lists, folder=folder).files[0].path) == "0.h5"


def _rejected(folder, message, names=("data", "label"), **write):
    with h5py.File(folder / "1.h5", "w") as file:
        for name, value in write.items():
            file[name] = value
    with pytest.raises(DataError, match=message) as caught:
        _files(folder, names)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span.line == 2
    return diagnostic


def test_a_dataset_that_is_not_there(folder):
    span = Span(Source("net.prototxt", 'top: "label"'), 5, 12)
    with h5py.File(folder / "1.h5", "w") as file:
        file["data"] = np.zeros((2, 2, 3))
        file.create_group("label")
    with pytest.raises(DataError, match=r"list\.txt:2:1: error: '.*1\.h5' has no dataset 'label'") as caught:
        read_hdf5_list(folder / "list.txt", {"data": None, "label": span})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.help == "the datasets of the file: data (2, 2, 3)"
    assert diagnostic.notes[0].span is span


def test_datasets_that_do_not_fit(folder):
    data = np.zeros((4, 2, 3))
    _rejected(folder, "different lengths: data 4, label 3", data=data, label=np.zeros(3))
    _rejected(folder, "are 3x3, in the first file 2x3", data=np.zeros((4, 3, 3)), label=np.zeros(4))
    _rejected(
        folder, "rows of 'label' .* are 1, in the first file scalars", data=data, label=np.zeros((4, 1))
    )
    _rejected(folder, "datasets of '.*1.h5' are empty", data=np.zeros((0, 2, 3)), label=np.zeros(0))
    _rejected(folder, "'label' of .* holds no rows of numbers", data=data, label=["a", "b", "c", "d"])
    _rejected(folder, "'label' of .* holds no rows of numbers", data=data, label=3.0)


def test_files_that_are_none(folder):
    (folder / "0.h5").write_bytes(b"garbage")
    (folder / "2.h5").unlink()
    with pytest.raises(DataError, match=r"cannot read '.*0\.h5' as HDF5") as caught:
        _files(folder)
    assert [diagnostic.span.line for diagnostic in caught.value.diagnostics] == [1, 4]
    assert caught.value.diagnostics[1].message == "no such HDF5 file: '2.h5'"
    assert str(folder / "2.h5") in caught.value.diagnostics[1].help


def test_a_file_that_breaks_later(folder):
    stream = _stream(folder, batch_size=3)
    stream.batch(0)
    (folder / "1.h5").write_bytes(b"garbage")
    with pytest.raises(DataError, match=r"list\.txt:2:1: error: cannot read"):
        stream.batch(1)


def test_an_empty_list(folder):
    (folder / "list.txt").write_text("\n")
    with pytest.raises(DataError, match="the list of HDF5 files is empty"):
        _files(folder)


def test_a_file_larger_than_memory_is_read_row_by_row(tmp_path):
    """A file that says to hold 400 GB, of which it holds what was written."""
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        data = file.create_dataset("data", (10**8, 10, 100), np.float32, chunks=(10, 10, 100))
        data[10**8 - 1] = 7
    (tmp_path / "list.txt").write_text("huge.h5\n")
    stream = Hdf5Rows(read_hdf5_list(tmp_path / "list.txt", {"data": None}), batch_size=4)
    assert stream.shapes == ((4, 10, 100),)
    (batch,) = stream.batch(10**8 // 4 - 1)
    assert batch.amax(dim=(1, 2)).tolist() == [0, 0, 0, 7]


def test_rows_that_no_memory_holds(tmp_path):
    with h5py.File(tmp_path / "wide.h5", "w") as file:
        file.create_dataset("data", (4, 2**20, 2**20), np.float32, chunks=(1, 64, 64))
    (tmp_path / "list.txt").write_text("wide.h5\n")
    stream = Hdf5Rows(read_hdf5_list(tmp_path / "list.txt", {"data": None}), batch_size=2**20)
    with pytest.raises(
        DataError, match=r"list\.txt:1:1: error: cannot read '.*': no memory holds 1048576 rows"
    ):
        stream.batch(0)
