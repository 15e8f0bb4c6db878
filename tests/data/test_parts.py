"""Parts of data sets."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from netspec.data.items import open_items
from netspec.data.parts import Example, Part, build_part
from netspec.errors import DataError

IMAGES = np.random.default_rng(0).integers(256, size=(5, 4, 6, 3)).astype(np.uint8)


def part(make=lambda number: Example(IMAGES[number], number), **fields):
    return Part("signs", 5, make, **fields)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("format", ["lmdb", "images"])
def test_images_and_classes(tmp_path, format, workers):
    line = build_part(tmp_path / "new" / "out", part(), format, workers=workers)
    path = tmp_path / "new" / "out" / ("signs" if format == "images" else "signs_lmdb")
    assert line == f"{path}: 5 images"
    items = open_items(path / "list.txt" if format == "images" else path)
    for number in range(5):
        np.testing.assert_array_equal(items(number).values, IMAGES[number].transpose(2, 0, 1))
        assert items(number).label == number


def test_floats(tmp_path):
    values = IMAGES / np.float32(7)
    build_part(tmp_path, part(lambda number: Example(values[number], number)), "lmdb")
    items = open_items(tmp_path / "signs_lmdb")
    for number in range(5):
        np.testing.assert_array_equal(items(number).values, values[number].transpose(2, 0, 1))


@pytest.mark.parametrize("target", ["label", "theta"])
def test_several_numbers_an_image(tmp_path, target):
    def make(number):
        values = np.float32([number, 0.5])
        image = IMAGES[number, :, :, 0]
        return Example(image, values) if target == "label" else Example(image, number, {target: values})

    expected = [[number, 0.5] for number in range(5)]
    build_part(tmp_path, part(make), "hdf5")
    assert (tmp_path / "signs_hdf5" / "list.txt").read_text() == "0000.h5\n"
    with h5py.File(tmp_path / "signs_hdf5" / "0000.h5") as file:
        np.testing.assert_array_equal(file["data"], IMAGES[:, None, :, :, 0])
        np.testing.assert_array_equal(file[target], expected)
        np.testing.assert_array_equal(file["label"], expected if target == "label" else range(5))
    build_part(tmp_path, part(make), "images")
    label = 0 if target == "label" else 4
    assert (tmp_path / "signs" / "list.txt").read_text().splitlines()[4] == f"00004.png {label}"
    assert (tmp_path / "signs" / f"{target}.txt").read_text() == f"{target}.h5\n"
    assert {path.name for path in (tmp_path / "signs").glob("*.h5")} == {f"{target}.h5"}
    with h5py.File(tmp_path / "signs" / f"{target}.h5") as file:
        np.testing.assert_array_equal(file[target], expected)


def test_large_parts_are_several_files(tmp_path, monkeypatch):
    monkeypatch.setattr("netspec.data.parts._ROWS", 2)
    for there in ("", ", there already"):
        assert build_part(tmp_path, part(), "hdf5") == f"{tmp_path / 'signs_hdf5'}: 5 images{there}"
    assert (tmp_path / "signs_hdf5" / "list.txt").read_text().split() == ["0000.h5", "0001.h5", "0002.h5"]


@pytest.mark.parametrize("format", ["lmdb", "images", "hdf5"])
def test_another_recipe_is_in_the_way(tmp_path, format):
    build_part(tmp_path, part(recipe={"seed": 1, "size": (4, 6)}), format)
    assert build_part(tmp_path, part(recipe={"seed": 1, "size": (4, 6)}), format).endswith("there already")
    with pytest.raises(DataError, match=r"is in the way: it was made with seed 1, not 2\n.*another folder"):
        build_part(tmp_path, part(recipe={"seed": 2, "size": (4, 6)}), format)


@pytest.mark.parametrize("format", ["lmdb", "images", "hdf5"])
def test_something_else_is_in_the_way(tmp_path, format):
    path = tmp_path / ("signs" if format == "images" else f"signs_{format}")
    path.mkdir()
    with pytest.raises(DataError, match="is in the way: expected 5 images in it, found 0"):
        build_part(tmp_path, part(), format)
    with pytest.raises(DataError, match=r"expected the file recipe.json in it"):
        build_part(tmp_path, part(recipe={"seed": 1}), format)


@pytest.mark.parametrize("format", ["lmdb", "images", "hdf5"])
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, format):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match=r"signs\w*: error: cannot be written: No space left on device"):
        build_part(tmp_path, part(recipe={"seed": 1}), format)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_in_hdf5(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("Can't write data (no space left on device)")

    monkeypatch.setattr(h5py, "File", full)
    with pytest.raises(DataError, match="signs_hdf5: error: cannot be written: Can't write data"):
        build_part(tmp_path, part(), "hdf5")
    assert list(tmp_path.iterdir()) == []


def test_an_example_that_cannot_be_made_leaves_nothing(tmp_path):
    def make(number):
        raise DataError.at("is broken")

    with pytest.raises(DataError, match="is broken"):
        build_part(tmp_path, part(make), "images", workers=2)
    assert list(tmp_path.iterdir()) == []


def test_png(tmp_path):
    build_part(tmp_path, part(), "images")
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "signs" / "00003.png")), IMAGES[3])
