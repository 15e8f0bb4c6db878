"""Files in folders and archives."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from netspec.data.file_trees import Archive, Folder, open_trees, verify_md5
from netspec.errors import DataError


@pytest.fixture
def trees(tmp_path):
    (tmp_path / "in" / "a").mkdir(parents=True)
    for name, content in (("a/2.csv", "two"), ("1.csv", "one")):
        (tmp_path / "in" / name).write_text(content)
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a/2.csv", "1.csv"):
            archive.write(tmp_path / "in" / name, name)
    return [Folder(tmp_path / "in"), Archive(tmp_path / "in.zip")]


def test_folders_and_archives_read_alike(trees):
    for tree in trees:
        assert list(tree.find(".csv")) == ["1.csv", "a/2.csv"]
        assert tree.read("a/2.csv") == b"two"
        assert tree.place("a/2.csv").endswith("/a/2.csv")
        with pytest.raises(DataError):
            tree.read("b")


def test_an_archive_that_is_cut_short_or_no_archive(tmp_path, trees):
    whole = (tmp_path / "in.zip").read_bytes()
    for content in (whole[:-30], b"not an archive", b""):
        (tmp_path / "in.zip").write_bytes(content)
        with pytest.raises(DataError, match=r"in.zip: error: is no zip archive that can be read"):
            Archive(tmp_path / "in.zip")


def test_a_damaged_file_in_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("name", b"content")
    content = (tmp_path / "in.zip").read_bytes()
    (tmp_path / "in.zip").write_bytes(content.replace(b"content", b"c0ntent"))
    with pytest.raises(DataError, match=r"in.zip: error: .*'name': Bad CRC-32"):
        Archive(tmp_path / "in.zip").read("name")


def test_an_archive_never_writes(tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("../outside.csv", b"content")
    tree = Archive(tmp_path / "in.zip")
    assert tree.read(next(tree.find(".csv"))) == b"content"
    assert [path.name for path in tmp_path.iterdir()] == ["in.zip"]
    assert not (tmp_path.parent / "outside.csv").exists()


def test_where_to_look(tmp_path, trees):
    assert len(open_trees(tmp_path)) == 2
    assert len(open_trees(tmp_path / "in.zip")) == 1
    with pytest.raises(DataError, match="no such folder or archive"):
        open_trees(tmp_path / "nowhere")


def test_digests(tmp_path):
    path = tmp_path / "in.zip"
    path.write_bytes(b"content")
    verify_md5(path, {"in.zip": hashlib.md5(b"content").hexdigest(), "other": "0"}, "")
    verify_md5(path, {"other": "0"}, "")
    with pytest.raises(
        DataError, match="is not the file that was published: MD5 9a0364b9e99bb480dd25e1f0284c"
    ):
        verify_md5(path, {"in.zip": "0"}, "")
