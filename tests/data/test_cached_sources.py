"""Data layers with a cache deliver what they deliver without."""

import shutil
from pathlib import Path

import pytest
import torch

from netspec import compile_net
from netspec.data.image_cache import ImageCache

GOLDEN = Path(__file__).parents[1] / "golden" / "data"


@pytest.fixture
def batches(tmp_path, monkeypatch):
    """So many batches of a recorded net, in a copy of its folder; between them the files may go."""
    shutil.copytree(GOLDEN, tmp_path / "data")
    monkeypatch.chdir(tmp_path / "data")

    def run(case, cache=None, count=8, gone=""):
        net = compile_net(f"{case}.prototxt", cache=cache, phase="TEST")
        found = []
        for index in range(count):
            if gone and index == count // 2:
                for path in Path().rglob(gone):
                    path.unlink()
            found.append(net())
        net.close()
        return found

    return run


@pytest.mark.parametrize(
    "case", ["imagedata_plain", "imagedata_resize", "imagedata_crop_mean_scale", "data_lmdb_encoded"]
)
@pytest.mark.parametrize("limit", [0, 2000, 10**9])
def test_the_same_batches(batches, case, limit):
    cache = ImageCache(limit)
    torch.testing.assert_close(batches(case, cache), batches(case), rtol=0, atol=0)
    assert cache.is_full == (limit < 10**9)
    assert cache.size <= limit
    assert bool(len(cache)) == (limit == 10**9 or bool(cache.size))


def test_images_are_read_once(batches):
    expected = batches("imagedata_plain", count=20)
    found = batches("imagedata_plain", ImageCache(10**9), count=20, gone="*.png")
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_bytes_that_need_no_decoding_are_not_kept(batches):
    cache = ImageCache(10**9)
    batches("data_lmdb_raw", cache)
    assert len(cache) == 0


def test_nets_may_share_a_cache(batches):
    cache = ImageCache(10**9)
    batches("imagedata_plain", cache)
    kept = len(cache)
    batches("imagedata_crop_mean_scale", cache)
    batches("imagedata_gray", cache)
    assert kept > 0
    assert len(cache) > kept  # gray ones are other images
