from pathlib import Path

import pytest

from netspec.data.whole_folders import check_folder, new_folder
from netspec.errors import DataError


def test_a_folder_gets_its_name_at_the_end(tmp_path):
    with new_folder(tmp_path / "made") as folder:
        (folder / "file").touch()
        assert not (tmp_path / "made").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert (tmp_path / "made" / "file").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_fails_leaves_nothing(tmp_path, error):
    def fail():
        with new_folder(tmp_path / "made") as folder:
            (folder / "file").touch()
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_what_is_there_stays(tmp_path, make):
    make(tmp_path / "made")
    with pytest.raises(DataError, match="already exists"), new_folder(tmp_path / "made"):
        pytest.fail("nothing is to be written here")
    assert len(list(tmp_path.iterdir())) == 1


def test_the_place_of_a_file(tmp_path):
    check_folder(tmp_path / "file")
    with pytest.raises(DataError, match="is a folder"):
        check_folder(tmp_path)
    with pytest.raises(DataError, match="there is no folder"):
        check_folder(tmp_path / "no" / "file")
