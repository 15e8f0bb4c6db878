import numpy as np
import pytest

from netspec.data.items import Item
from netspec.data.mean_image import channel_means, mean_image
from netspec.errors import DataError


def items(*images):
    return [Item(f"n{number}", image, "bytes") for number, image in enumerate(images)]


def test_the_mean():
    images = np.random.default_rng(0).integers(256, size=(20, 3, 4, 5)).astype(np.uint8)
    mean = mean_image(items(*images))
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, images.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(channel_means(mean), images.mean(axis=(0, 2, 3)), rtol=1e-6)
    assert images[0].dtype == np.uint8


def test_channels_are_added_up_in_turn():
    plane = np.ones((1, 1, 5), np.float32)
    plane[0, 0, 0] = 2**24
    assert channel_means(plane) == [float(np.float32(2**24) / np.float32(5))]


def test_one_size_for_all_and_one_image_at_least():
    small, large = np.zeros((1, 2, 2), np.uint8), np.zeros((1, 3, 3), np.uint8)
    with pytest.raises(DataError, match="record 'n1' is 1x3x3, those before it 1x2x2"):
        mean_image(items(small, large))
    with pytest.raises(DataError, match="no images"):
        mean_image([])
