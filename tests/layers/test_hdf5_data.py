import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from netspec import compile_net
from netspec.errors import DataError

GOLDEN = Path(__file__).parents[1] / "golden" / "data"
FIELDS = 'type: "HDF5Data" hdf5_data_param { source: "list.txt" batch_size: 4'


@pytest.mark.parametrize("place", ["in the folder", "elsewhere"])
def test_golden(place, monkeypatch, tmp_path):
    monkeypatch.chdir(GOLDEN if place == "in the folder" else tmp_path)
    net = compile_net(GOLDEN / "hdf5data.prototxt")
    recorded = np.load(GOLDEN / "hdf5data.npz")
    for index in range(4):
        out = net()
        for top in ("feat", "label"):
            np.testing.assert_array_equal(out[top], recorded[f"batch/{index}/{top}"])
    net.close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Datasets t0, (6, 2, 3), and t1, (6), here."""
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        file["t0"], file["t1"] = np.arange(36).reshape(6, 2, 3), np.arange(6)
    (tmp_path / "list.txt").write_text("a.h5\n")
    return tmp_path


def test_each_top_is_the_dataset_of_its_name(build, folder):
    layer = build(f"{FIELDS} }}", tops=2)
    assert layer.shapes == [(4, 2, 3), (4,)]
    data, labels = layer.stream(0).batch(1)
    assert labels.tolist() == [4, 5, 0, 1]
    assert data[:, 0, 0].tolist() == [24, 30, 0, 6]
    assert build(f"{FIELDS} }}", tops=1).shapes == [(4, 2, 3)]


def test_shuffled(build, folder):
    layer = build(f"{FIELDS} shuffle: true }}", tops=2)
    assert len({tuple(layer.stream(seed).batch(0)[1].tolist()) for seed in range(9)}) > 5


def test_files_beside_the_net(folder, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    (folder / "lists").mkdir()
    shutil.move(folder / "list.txt", folder / "lists" / "list.txt")
    path = folder / "net.prototxt"
    fields = FIELDS.replace("list.txt", "lists/list.txt")
    path.write_text(f'layer {{ name: "d" top: "t1" {fields} }} }}')
    net = compile_net(path)
    assert net()["t1"].tolist() == [0, 1, 2, 3]
    net.close()


def test_refused(rejects, folder):
    rejects("transforms nothing", "transform_param", f"{FIELDS} }} transform_param {{ scale: 2 }}")
    rejects("has no dataset 't2'", "a.h5", f"{FIELDS} }}", tops=3, error=DataError)


def test_the_top_that_has_no_dataset_is_shown(folder, report, compile_text):
    net = f'layer {{ name: "d" top: "nothing" {FIELDS} }} }}'
    found = report(compile_text, net)
    assert "list.txt:1:1: error: 'a.h5' has no dataset 'nothing'" in found
    assert "net.prototxt:1:24: note: this top asks for it" in found
    assert "help: the datasets of the file: t0 (6, 2, 3), t1 (6,)" in found
