import os

import pytest

from netspec.errors import WeightsError
from netspec.weights.files import clear_leftovers, together, write_atomically


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


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def write_both(folder, second):
    with together():
        write_atomically(folder / "a", [b"new"])
        write_atomically(folder / "b", second)


def test_files_that_belong_together_appear_together(tmp_path):
    with together() as staged:
        write_atomically(tmp_path / "b", [b"1"])
        write_atomically(tmp_path / "a", [b"2"])
        assert [path.name for path in staged] == ["b", "a"]
        assert staged[tmp_path / "b"].read_bytes() == b"1"
        assert not (tmp_path / "a").exists()
        assert not (tmp_path / "b").exists()
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_where_one_fails_the_other_stays_as_it_was(tmp_path, end):
    (tmp_path / "a").write_bytes(b"old")

    def ends():
        yield b"half"
        raise end

    with pytest.raises((KeyboardInterrupt, WeightsError)):
        write_both(tmp_path, ends())
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]
    write_atomically(tmp_path / "b", [b"alone"])  # and this one is not staged any more
    assert names(tmp_path) == ["a", "b"]


def test_a_name_that_cannot_be_taken(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(WeightsError, match="a: error: cannot be written"):
        write_both(tmp_path, [b"new"])
    assert names(tmp_path) == ["a"]


def test_what_killed_processes_left_is_cleared_in_time(tmp_path):
    for name, age in {
        ".x_iter_1.a.12.tmp": 7200,
        ".x_iter_2.a.12.tmp": 60,
        ".y_iter_1.a.12.tmp": 7200,
    }.items():
        (tmp_path / name).touch()
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    clear_leftovers(tmp_path / "x_iter_")
    assert names(tmp_path) == [".x_iter_2.a.12.tmp", ".y_iter_1.a.12.tmp"]
