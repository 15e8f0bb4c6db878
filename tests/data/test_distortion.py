import cv2
import numpy as np
import pytest

from netspec.data.distortion import add_noise, distort
from netspec.schema.messages import DistortionParameter, NoiseParameter, SaltPepperParameter


@pytest.fixture
def image():
    return np.random.default_rng(1).integers(256, size=(12, 14, 3)).astype(np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def _distorted(image, seed=0, **fields):
    return distort(image.copy(), DistortionParameter(**fields), np.random.default_rng(seed))


def test_nothing_is_done_without_probability(image):
    found = _distorted(image, brightness_delta=30, contrast_upper=2, hue_delta=9, saturation_upper=2)
    np.testing.assert_array_equal(found, image)


def test_brightness_is_one_shift_for_all(image):
    inner = image // 4 + 96
    shifts = []
    for seed in range(50):
        difference = _distorted(inner, seed, brightness_prob=1, brightness_delta=32).astype(int) - inner
        assert difference.min() == difference.max()
        shifts.append(difference.min())
    assert min(shifts) < -20
    assert max(shifts) > 20
    assert max(map(abs, shifts)) <= 32


def test_contrast_is_one_factor_for_all_and_saturates(image):
    found = _distorted(image, contrast_prob=1, contrast_lower=1.5, contrast_upper=1.5)
    np.testing.assert_array_equal(found, np.rint(image * 1.5).clip(0, 255))


def test_saturation_and_hue(image):
    found = _distorted(image, saturation_prob=1, saturation_lower=0, saturation_upper=0)
    assert (found.min(axis=2) == found.max(axis=2)).all()
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 2] = 200
    hues = [
        cv2.cvtColor(_distorted(red, seed, hue_prob=1, hue_delta=30), cv2.COLOR_BGR2HSV)[0, 0]
        for seed in range(30)
    ]
    assert max(hue for hue, _, _ in hues) in range(20, 31)
    assert {(s, v) for _, s, v in hues} == {(255, 200)}


def test_order_of_channels(image):
    orders = {_distorted(image, seed, random_order_prob=1)[0, 0].tobytes() for seed in range(60)}
    assert len(orders) == 6
    assert all(sorted(order) == sorted(image[0, 0].tobytes()) for order in orders)


def test_contrast_comes_before_or_behind_colours(image):
    fields = {
        **{"contrast_prob": 1, "contrast_lower": 2, "contrast_upper": 2},
        **{"saturation_prob": 1, "saturation_lower": 0.5, "saturation_upper": 0.5},
    }
    assert len({_distorted(image, seed, **fields).tobytes() for seed in range(20)}) == 2


def test_half_the_images(image):
    changed = [
        not np.array_equal(_distorted(image, seed, random_order_prob=0.5, brightness_delta=1), image)
        for seed in range(200)
    ]
    assert 50 < sum(changed) < 120  # one order of six changes nothing


NOISE = {
    "inverse": lambda image: 255 - image,
    "decolorize": lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
    "gauss_blur": lambda image: cv2.GaussianBlur(image, (7, 7), 1.5),
    "posterize": lambda image: image // 64 * 64 + 32,
    "erode": lambda image: cv2.erode(image, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))),
    "convert_to_hsv": lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2HSV),
}


@pytest.mark.parametrize("name", NOISE)
def test_noise(image, rng, name):
    found = add_noise(image, NoiseParameter(**{name: True}), rng)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, NOISE[name](image))


@pytest.mark.parametrize("name", ["hist_eq", "clahe"])
def test_equalised(image, rng, name):
    dim = image // 4
    for given in (dim, dim[..., :1]):
        found = add_noise(given, NoiseParameter(**{name: True}), rng)
        assert found.shape == given.shape
        assert np.ptp(found.astype(int)) > 1.5 * np.ptp(given.astype(int))


def test_jpeg(image, rng):
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    np.testing.assert_array_equal(add_noise(image, NoiseParameter(jpeg=30), rng), cv2.imdecode(coded, 1))


def test_salt_and_pepper(rng):
    black = np.zeros((40, 50, 3), np.uint8)
    param = NoiseParameter(
        saltpepper=True, saltpepper_param=SaltPepperParameter(fraction=0.1, value=[1, 2, 3])
    )
    found = add_noise(black, param, rng)
    hit = (found != 0).any(axis=2)
    assert 150 < hit.sum() <= 200  # of 200 places some are drawn twice
    assert (found[hit] == [1, 2, 3]).all()
    assert (black == 0).all()


def test_all_that_are_switched_on(image, rng):
    found = add_noise(image, NoiseParameter(inverse=True, posterize=True), rng)
    np.testing.assert_array_equal(found, 255 - (image // 64 * 64 + 32))


def test_colours_of_a_gray_image(image, rng):
    with pytest.raises(cv2.error):
        add_noise(image[..., :1], NoiseParameter(decolorize=True), rng)
