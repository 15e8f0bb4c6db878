import copy
from pathlib import Path

import cv2
import numpy as np
import pytest

from netspec.data.images import ImageFiles, decode, resized, stack
from netspec.errors import DataError
from netspec.text.source import Source, Span


def _where():
    return Span(Source("list.txt", "a.png 1"), 0, 5)


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(256, size=(4, 6, 3)).astype(np.uint8)


def _png(image):
    return cv2.imencode(".png", image)[1]


def test_folders_in_their_order(tmp_path, monkeypatch, image):
    for index, name in enumerate(("cwd", "one", "two")):
        (tmp_path / name / "img").mkdir(parents=True)
        (tmp_path / name / "img" / "a.png").write_bytes(_png(np.full_like(image, index)))
    monkeypatch.chdir(tmp_path / "cwd")
    files = ImageFiles((tmp_path / "one", None, tmp_path / "two"), root="img/")
    for index, name in enumerate(("cwd", "one", "two")):
        assert np.unique(files.read("a.png", _where)) == index
        (tmp_path / name / "img" / "a.png").unlink()
    with pytest.raises(DataError, match=r"list\.txt:1:1: error: no such image: 'img/a\.png'") as caught:
        files.read("a.png", _where)
    assert [f"'{folder / 'img' / 'a.png'}'" for folder in (Path(), tmp_path / "one", tmp_path / "two")] == (
        caught.value.diagnostics[0].help.removeprefix("looked for ").split(", ")
    )


def test_color_gray_and_size(tmp_path, image):
    (tmp_path / "a.png").write_bytes(_png(image))
    files = ImageFiles((tmp_path,))
    np.testing.assert_array_equal(files.read("a.png", _where), image)
    assert files.read("a.png", _where, color=False).shape == (4, 6, 1)
    assert files.read("a.png", _where, size=(8, 5)).shape == (8, 5, 3)
    assert set(files.read("a.png", _where, size=(9, 9), labels=True)[..., 0].flat) <= set(image[..., 0].flat)


def test_kept_files_are_read_once(tmp_path, image):
    (tmp_path / "a.png").write_bytes(_png(image))
    files = ImageFiles((tmp_path,), keep=True)
    files.read("a.png", _where)
    (tmp_path / "a.png").unlink()
    np.testing.assert_array_equal(copy.deepcopy(files).read("a.png", _where), image)


def test_what_is_no_image(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x" * 99)
    with pytest.raises(DataError, match=r"cannot read image 'a\.png'"):
        ImageFiles((tmp_path,)).read("a.png", _where)
    assert decode(np.empty(0, np.uint8), cv2.IMREAD_COLOR) is None


def test_decoding_as_it_is(image):
    for pixels in (image, image[..., :1], np.dstack([image, image[..., :1]])):
        np.testing.assert_array_equal(decode(_png(pixels), cv2.IMREAD_UNCHANGED), pixels)
    assert decode(_png(image.astype(np.uint16) * 256), cv2.IMREAD_UNCHANGED) is None  # 16 bits


def test_resizing_keeps_the_channel():
    assert resized(np.zeros((2, 3, 1), np.uint8), (4, 5)).shape == (4, 5, 1)


def test_a_stack_has_one_shape():
    images = [np.full((3, 4, 5), index, np.float32) for index in range(2)]
    assert stack(images, DataError.at).shape == (2, 3, 4, 5)
    with pytest.raises(DataError, match=r"2 is 3x9x5, others of its batch 3x4x5"):
        stack([*images, np.zeros((3, 9, 5), np.float32)], lambda i, text: DataError.at(f"{i} {text}"))
