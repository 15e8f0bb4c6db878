import json

import pytest
import torch

from netspec.errors import DataError, NetspecError
from netspec.layers.detection_files import DetectionFiles, NamedSize, read_label_map, read_sizes

_IMAGES = [NamedSize("000001", 100, 200), NamedSize("street", 50, 80)]
_ROWS = torch.tensor(
    [
        [0, 1, 0.987654321, 0.1, 0.25, 0.5, 0.75],
        [0, 2, 0.5, 0.5, 0.5, 1.2, 0.999],
        [1, 1, 0.25, 0.0, 0.0, 0.5, 0.5],
    ]
)


def _files(folder, format, names=None):
    return DetectionFiles(folder, "found_", format, names or {1: "cat", 2: "dog", 3: "emu"}, _IMAGES, None)


def _read(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_voc(tmp_path):
    _files(tmp_path / "new" / "folder", "VOC").add(_ROWS, 2)
    assert _read(tmp_path / "new" / "folder") == {
        "found_cat.txt": "000001 0.987654 20 25 100 75\nstreet 0.25 0 0 40 25\n",
        "found_dog.txt": "000001 0.5 100 50 200 99\n",
        "found_emu.txt": "",
    }


def test_ilsvrc(tmp_path):
    _files(tmp_path, "ILSVRC").add(_ROWS, 2)
    lines = ["000001 1 0.987654 20 25 100 75", "000001 2 0.5 100 50 200 99", "street 1 0.25 0 0 40 25"]
    assert _read(tmp_path) == {"found_.txt": "\n".join(lines) + "\n"}


def test_coco(tmp_path):
    _files(tmp_path, "COCO", {1: "17", 2: "dog"}).add(_ROWS, 2)
    entries = json.loads((tmp_path / "found_.json").read_text())
    assert [(entry["image_id"], entry["category_id"]) for entry in entries] == [
        (1, 17),
        (1, "dog"),
        ("street", 17),
    ]
    assert entries[1]["bbox"] == [100, 50, 100, 49.9]
    assert entries[1]["score"] == 0.5


def test_files_are_written_when_all_images_were_seen_and_anew_each_time(tmp_path):
    files = _files(tmp_path, "ILSVRC")
    files.add(_ROWS[:2], 1)
    assert not _read(tmp_path)
    files.add(_ROWS[:0], 1)
    assert len(_read(tmp_path)["found_.txt"].splitlines()) == 2
    files.add(torch.tensor([[0, -1, -1, -1, -1, -1, -1], [1, -1, -1, -1, -1, -1, -1.0]]), 2)
    assert _read(tmp_path) == {"found_.txt": ""}


def test_a_class_without_a_name(tmp_path):
    with pytest.raises(DataError, match="class 2, which the label map does not name"):
        _files(tmp_path, "VOC", {1: "cat"}).add(_ROWS, 2)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write detections"):
        _files(tmp_path / "file", "VOC").add(_ROWS, 2)


def test_reading(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text('item { name: "none" label: 0 display_name: "background" } item { name: "cat" label: 1 }')
    assert read_label_map(path) == {0: "none", 1: "cat"}
    path.write_text("000001 100 200\n\nstreet 50 80\n")
    assert read_sizes(path) == _IMAGES


def test_broken_files(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("street 50\n")
    with pytest.raises(DataError, match="a line `name height width` per image"):
        read_sizes(path)
    with pytest.raises(NetspecError, match="street"):
        read_label_map(path)
