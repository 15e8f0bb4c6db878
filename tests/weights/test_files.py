import os

import pytest

from netspec.errors import WeightsError
from netspec.weights.files import write_atomically


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(b"old")
    write_atomically(path, [b"new ", memoryview(b"contents")])
    assert path.read_bytes() == b"new contents"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.caffemodel"]


def _interrupted():
    yield b"half"
    raise KeyboardInterrupt


def test_an_interrupt_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, _interrupted())
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.caffemodel"]


def test_a_full_disk_is_the_users_error_and_leaves_the_old_file(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    path = tmp_path / "x.caffemodel"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsError, match="cannot be written: No space left on device"):
        write_atomically(path, [b"new"])
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.caffemodel"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"none.x.caffemodel: error: cannot be written: No such file"):
        write_atomically(tmp_path / "none" / "x.caffemodel", [b"new"])
