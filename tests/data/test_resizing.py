import cv2
import numpy as np
import pytest

from netspec.data.objects import BOX
from netspec.data.resizing import rescaled_objects, resize, resize_at_random, resized_objects
from netspec.schema.messages import ResizeParameter, TransformationParameter

FIT_INSIDE = ResizeParameter.FIT_LARGE_SIZE_AND_PAD


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def _image(height, width, channels=3):
    return np.random.default_rng(1).integers(256, size=(height, width, channels)).astype(np.uint8)


def _objects(*box):
    return np.asarray([[1, 0, *box, 0]], np.float32)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_warped(rng, channels):
    image, param = _image(10, 20, channels), ResizeParameter(height=6, width=8)
    expected = cv2.resize(image, (8, 6)).reshape(6, 8, channels)
    np.testing.assert_array_equal(resize(image, param, rng), expected)
    given = _objects(0.1, 0.2, 0.3, 1.4)
    np.testing.assert_allclose(resized_objects(given, param, (10, 20))[0, BOX], [0.1, 0.2, 0.3, 1], rtol=1e-6)


def test_the_shorter_side_gets_its_length(rng):
    param = ResizeParameter(resize_mode=ResizeParameter.FIT_SMALL_SIZE, height=6, width=8)
    assert resize(_image(10, 20), param, rng).shape == (6, 12, 3)
    assert resize(_image(20, 10), param, rng).shape == (16, 8, 3)
    given = _objects(0.1, 0.2, 0.3, 0.4)
    np.testing.assert_allclose(resized_objects(given, param, (10, 20)), given)


def test_boxes_in_shares_of_a_scale():
    param = ResizeParameter(
        resize_mode=ResizeParameter.FIT_SMALL_SIZE, height=6, width=8, height_scale=3, width_scale=4
    )
    found = rescaled_objects(_objects(0.1, 0.2, 0.3, 0.4), param, (6, 12))
    np.testing.assert_allclose(found[0, BOX], [0.3, 0.4, 0.9, 0.8], rtol=1e-6)


@pytest.mark.parametrize(("height", "width", "rows", "columns"), [(10, 20, 4, 8), (20, 10, 6, 3)])
def test_fitted_inside_and_padded(rng, height, width, rows, columns):
    image = _image(height, width)
    param = ResizeParameter(resize_mode=FIT_INSIDE, height=6, width=8, pad_value=[1, 2, 3])
    found = resize(image, param, rng)
    top, left = (6 - rows) // 2, (8 - columns) // 2
    expected = np.empty((6, 8, 3), np.uint8)
    expected[:] = 1, 2, 3
    expected[top : top + rows, left : left + columns] = cv2.resize(image, (columns, rows))
    np.testing.assert_array_equal(found, expected)
    boxes = resized_objects(_objects(0, 0, 1, 1), param, (height, width))[0, BOX]
    inner = np.float32([(8 - columns) / 16, (6 - rows) / 12, (8 + columns) / 16, (6 + rows) / 12])
    np.testing.assert_allclose(boxes, inner, rtol=1e-6)


@pytest.mark.parametrize(("mode", "border"), [("MIRRORED", cv2.BORDER_REFLECT_101), ("REPEAT_NEAREST", 1)])
def test_padded_with_the_image(rng, mode, border):
    image = _image(3, 8, 1)
    param = ResizeParameter(resize_mode=FIT_INSIDE, height=6, width=8, pad_mode=mode)
    expected = cv2.copyMakeBorder(image, 1, 2, 0, 0, border).reshape(6, 8, 1)
    np.testing.assert_array_equal(resize(image, param, rng), expected)


def test_interpolation_is_drawn_from_those_given():
    image = _image(10, 20)
    modes = {"NEAREST": cv2.INTER_NEAREST, "AREA": cv2.INTER_AREA, "CUBIC": cv2.INTER_CUBIC, "LANCZOS4": 4}
    for name, mode in modes.items():
        param = ResizeParameter(height=6, width=8, interp_mode=[name])
        found = resize(image, param, np.random.default_rng(0))
        np.testing.assert_array_equal(found, cv2.resize(image, (8, 6), interpolation=mode))
    param = ResizeParameter(height=6, width=8, interp_mode=list(modes))
    drawn = {resize(image, param, np.random.default_rng(seed)).tobytes() for seed in range(40)}
    assert len(drawn) == len(modes)


def test_floats_are_resized_as_they_are(rng):
    image = np.full((4, 4, 2), 1000.5, np.float32)
    assert (resize(image, ResizeParameter(height=2, width=2), rng) == np.float32(1000.5)).all()


def test_an_image_too_thin_to_be_fitted(rng):
    param = ResizeParameter(resize_mode=FIT_INSIDE, height=4, width=4)
    with pytest.raises(cv2.error):
        resize(_image(1, 100), param, rng)


def _sizes(text_fields, shape, count=300):
    param = TransformationParameter(**text_fields)
    image = _image(*shape)
    return {resize_at_random(image, param, np.random.default_rng(seed)).shape[:2] for seed in range(count)}


def test_a_short_side_between_bounds():
    fields = {"img_rand_resize_lower": 4, "img_rand_resize_upper": 6}
    assert _sizes(fields, (10, 20)) == {(4, 8), (5, 10), (6, 12)}
    assert _sizes({"img_rand_resize_lower": 5, "img_rand_resize_upper": 5}, (20, 10)) == {(10, 5)}


def test_nothing_is_enlarged_unless_allowed_nor_smaller_than_the_crop():
    fields = {"img_rand_resize_lower": 40, "img_rand_resize_upper": 40}
    assert _sizes(fields, (10, 20)) == {(10, 20)}
    assert _sizes({**fields, "allow_upscale": True}, (10, 20)) == {(40, 80)}
    small = {"img_rand_resize_lower": 2, "img_rand_resize_upper": 2, "crop_size": 6}
    assert _sizes(small, (10, 20)) == {(6, 6)}


def test_ratios_and_stretches():
    ratios = {"rand_resize_ratio_lower": 1, "rand_resize_ratio_upper": 1.5}
    sizes = _sizes({**ratios, "allow_upscale": True}, (10, 20))
    assert {height for height, _ in sizes} == {10}
    assert {width for _, width in sizes} == set(range(10, 16))
    assert any(height > width for height, width in _sizes({**ratios, "allow_upscale": True}, (10, 10)))
    stretched = _sizes({"vertical_stretch_lower": 0.5, "vertical_stretch_upper": 1}, (10, 20))
    assert stretched == {(height, 20) for height in range(5, 11)}


def test_interpolations_down_and_up(rng):
    image = _image(10, 20)
    down = TransformationParameter(img_rand_resize_lower=5, img_rand_resize_upper=5)
    np.testing.assert_array_equal(
        resize_at_random(image, down, rng), cv2.resize(image, (10, 5), interpolation=cv2.INTER_NEAREST)
    )
    up = TransformationParameter(img_rand_resize_lower=15, img_rand_resize_upper=15, allow_upscale=True)
    np.testing.assert_array_equal(
        resize_at_random(image, up, rng), cv2.resize(image, (30, 15), interpolation=cv2.INTER_CUBIC)
    )
