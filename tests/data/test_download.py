from pathlib import Path

import pytest

from netspec.data.download import download
from netspec.errors import DataError


@pytest.fixture
def urls(tmp_path):
    (tmp_path / "wrong").write_bytes(b"wrong")
    (tmp_path / "right").write_bytes(b"right")
    return [(tmp_path / name).as_uri() for name in ("gone", "wrong", "right")]


def check(path):
    if path.read_bytes() != b"right":
        raise DataError.at("is another file")


def test_the_first_address_that_has_the_right_file(tmp_path, urls):
    download(tmp_path / "file", urls, check)
    assert (tmp_path / "file").read_bytes() == b"right"
    assert not (tmp_path / "file.part").exists()


def test_what_is_there_is_not_fetched_again(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    download(tmp_path / "file", [], check)
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_all_that_was_tried_is_told(tmp_path, urls):
    with pytest.raises(
        DataError, match=r"No such file or directory.*; file://.*wrong: is another file"
    ) as caught:
        download(tmp_path / "file", urls[:2], check)
    assert caught.value.diagnostics[0].file == str(tmp_path / "file")
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["right", "wrong"]


def test_an_interrupt_leaves_nothing(tmp_path, urls):
    def interrupted(path):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(tmp_path / "file", urls[2:], interrupted)
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["right", "wrong"]
