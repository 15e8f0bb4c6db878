import cv2
import numpy as np
import pytest

from netspec.compiler.net import compile_net
from netspec.pycaffe import io
from netspec.pycaffe.detector import Detector
from netspec.pycaffe.net import Net

NET = """
input: "data" input_shape { dim: 2 dim: 3 dim: 8 dim: 8 }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4
  weight_filler { type: "gaussian" std: 0.1 } } }
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    compile_net(tmp_path / "net.prototxt", seed=0).save_weights(tmp_path / "net.caffemodel")
    return str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel")


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for name, shape in [("a.png", (20, 30, 3)), ("b.png", (16, 12, 3))]:
        cv2.imwrite(str(tmp_path / name), rng.integers(256, size=shape).astype(np.uint8))
        paths.append(str(tmp_path / name))
    return paths


def test_windows(files, photos):
    net = Detector(*files, raw_scale=255, channel_swap=(2, 1, 0), mean=np.array([1.0, 2, 3]), input_scale=0.1)
    assert isinstance(net, Net)
    windows = [np.array([2, 3, 12, 20]), np.array([0, 0, 20, 30])], [(1, 1, 9, 9)]
    found = net.detect_windows(zip(photos, windows, strict=True))
    assert [list(one) for one in found] == [["window", "prediction", "filename"]] * 3
    assert [one["filename"] for one in found] == [photos[0], photos[0], photos[1]]
    assert [one["window"] for one in found] == [windows[0][0], windows[0][1], windows[1][0]]
    weight = net.params["ip"][0].data
    for one in found:
        top, left, bottom, right = one["window"]
        patch = io.resize_image(io.load_image(one["filename"])[top:bottom, left:right], (8, 8))
        item = (patch[:, :, ::-1].transpose(2, 0, 1) * 255 - np.array([1, 2, 3])[:, None, None]) * 0.1
        np.testing.assert_allclose(one["prediction"], weight @ item.ravel(), rtol=1e-3, atol=1e-4)
    assert net.detect_windows([]) == [] == net.detect_windows([(photos[0], [])])


def test_a_crop_without_context(files):
    net = Detector(*files)
    image = np.random.default_rng(0).random((20, 30, 3)).astype(np.float32)
    np.testing.assert_array_equal(net.crop(image, (2, 3, 12, 20)), image[2:12, 3:20])
    assert net.crop_dims.tolist() == [8, 8, 3]


def test_a_crop_with_context(files):
    """A window of 4 x 4 in an input of 8 x 8, 2 pixels of which are context: twice the window is seen."""
    net = Detector(*files, context_pad=2)
    assert net.context_pad == 2
    rows = np.arange(20, dtype=np.float32)[:, None, None]
    image = np.broadcast_to(rows + np.arange(30)[None, :, None] / 100, (20, 30, 3)).astype(np.float32)
    crop = net.crop(image, np.array([7, 9, 10, 12]))  # corners count as inside
    assert (crop.shape, crop.dtype) == ((8, 8, 3), np.float32)
    # The widened box is (5, 7, 13, 15), its corners inside too, at a scale of 8 / 9.
    np.testing.assert_allclose(crop, io.resize_image(image[5:13, 7:15], (8, 8)), rtol=1e-6)


def test_beyond_the_image_is_the_mean(files):
    mean = np.array([51.0, 102.0, 153.0])
    net = Detector(*files, context_pad=2, mean=mean, raw_scale=255, channel_swap=(2, 1, 0))
    np.testing.assert_allclose(net.crop_mean, np.broadcast_to([0.6, 0.4, 0.2], (8, 8, 3)), rtol=1e-6)
    image = np.ones((20, 30, 3), np.float32)
    crop = net.crop(image, np.array([0, 0, 3, 3]))  # two pixels above and to the left are missing
    outside = np.ones((8, 8), bool)
    outside[2:, 2:] = False
    np.testing.assert_allclose(crop[outside], net.crop_mean[outside])
    np.testing.assert_array_equal(crop[~outside], 1)
    # What the net gets there is zero.
    np.testing.assert_allclose(net.transformer.preprocess("data", crop)[:, outside], 0, atol=1e-4)
    low = net.crop(image, np.array([16, 26, 19, 29]))
    assert (low[-1] != 1).any()
    np.testing.assert_array_equal(low[:5, :5], 1)


def test_context_is_set_anew(files):
    net = Detector(*files, mean=np.full((3, 8, 8), 0.5))
    net.configure_crop(1)
    np.testing.assert_array_equal(net.crop_mean, np.full((8, 8, 3), 0.5))
    net.configure_crop(None)
    assert net.context_pad is None
    assert Detector(*files, context_pad=1).crop_mean.max() == 0


def test_a_window_beside_the_image(files):
    net = Detector(*files, context_pad=2)
    with pytest.raises(ValueError, match=r"window .* lies beside the image of 20x30"):
        net.crop(np.zeros((20, 30, 3), np.float32), (100, 100, 104, 104))


def test_selective_search_is_not_there(files):
    with pytest.raises(NotImplementedError, match="detect_windows"):
        Detector(*files).detect_selective_search(["a.png"])
