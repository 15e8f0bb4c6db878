import cv2
import numpy as np
import pytest

from netspec.pycaffe import io
from netspec.pycaffe.proto import caffe_pb2


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# Messages -------------------------------------------------------------------------------------------------


def test_a_blob_of_the_old_kind_has_four_axes():
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=1, width=3, data=range(6), diff=range(6, 12))
    np.testing.assert_array_equal(io.blobproto_to_array(blob), np.arange(6.0).reshape(1, 2, 1, 3))
    np.testing.assert_array_equal(io.blobproto_to_array(blob, True), np.arange(6.0, 12).reshape(1, 2, 1, 3))


def test_a_blob_of_the_new_kind_has_its_shape():
    blob = caffe_pb2.BlobProto(shape={"dim": [3, 2]}, data=range(6))
    np.testing.assert_array_equal(io.blobproto_to_array(blob), np.arange(6.0).reshape(3, 2))
    scalar = io.blobproto_to_array(caffe_pb2.BlobProto(data=[123]))
    assert (scalar.shape, scalar) == ((), 123)
    double = caffe_pb2.BlobProto(shape={"dim": [1]}, double_data=[0.1])
    assert io.blobproto_to_array(double).tolist() == [0.1]


def test_a_blob_whose_shape_does_not_fit():
    with pytest.raises(ValueError, match="reshape"):
        io.blobproto_to_array(caffe_pb2.BlobProto(data=range(100)))


def test_arrays_as_blobs(rng):
    data, diff = rng.standard_normal((2, 2, 3, 1, 4)).astype(np.float32)
    blob = io.array_to_blobproto(data, diff)
    assert list(blob.shape.dim) == [2, 3, 1, 4]
    np.testing.assert_array_equal(io.blobproto_to_array(blob), data)
    np.testing.assert_array_equal(io.blobproto_to_array(blob, return_diff=True), diff)
    assert not io.array_to_blobproto(data).diff
    np.testing.assert_array_equal(io.blobproto_to_array(io.array_to_blobproto(data.T)), data.T)


def test_lists_of_arrays(rng):
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in [(2, 3), (1, 2, 3, 4), (5,)]]
    packed = io.arraylist_to_blobprotovector_str(arrays)
    assert isinstance(packed, bytes)
    assert io.arraylist_to_blobprotovecor_str(arrays) == packed
    unpacked = io.blobprotovector_str_to_arraylist(packed)
    for one, other in zip(arrays, unpacked, strict=True):
        np.testing.assert_array_equal(one, other)


def test_bytes_in_a_datum(rng):
    image = rng.integers(256, size=(3, 4, 5)).astype(np.uint8)
    datum = io.array_to_datum(image, 7)
    assert (datum.channels, datum.height, datum.width, datum.label) == (3, 4, 5, 7)
    assert datum.data == image.tobytes()
    assert not datum.float_data
    back = io.datum_to_array(caffe_pb2.Datum.FromString(datum.SerializeToString()))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, image)
    back[0] = 0  # a copy of one's own
    strided = image.transpose(0, 2, 1)
    np.testing.assert_array_equal(io.datum_to_array(io.array_to_datum(strided)), strided)


def test_floats_in_a_datum(rng):
    image = rng.standard_normal((1, 2, 3)).astype(np.float32)
    datum = io.array_to_datum(image)
    assert not datum.HasField("label")
    assert not datum.data
    np.testing.assert_array_equal(io.datum_to_array(datum), image)
    assert io.array_to_datum(image, label=0).HasField("label")


def test_a_datum_has_three_axes():
    with pytest.raises(ValueError, match=r"not one of shape \(4, 5\)"):
        io.array_to_datum(np.zeros((4, 5)))
    with pytest.raises(ValueError, match="reshape"):
        io.datum_to_array(caffe_pb2.Datum(channels=1, height=2, width=2, data=b"abc"))


# Transformer ----------------------------------------------------------------------------------------------


@pytest.fixture
def transformer():
    return io.Transformer({"data": (10, 3, 4, 5)})


def test_the_order_of_preprocessing(transformer, rng):
    image = rng.random((4, 5, 3)).astype(np.float32)
    before, mean = image.copy(), rng.random((3, 4, 5))
    assert np.array_equal(transformer.preprocess("data", image), image)
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 1, 0))
    transformer.set_raw_scale("data", 255)
    transformer.set_mean("data", mean)
    transformer.set_input_scale("data", 0.5)
    expected = (image[:, :, ::-1].transpose(2, 0, 1) * 255.0 - mean) * 0.5
    out = transformer.preprocess("data", image)
    assert (out.dtype, out.shape) == (np.float32, (3, 4, 5))
    np.testing.assert_allclose(out, expected, rtol=1e-5)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_allclose(transformer.deprocess("data", out), image, atol=1e-6)
    np.testing.assert_allclose(transformer.deprocess("data", out[np.newaxis]), image, atol=1e-6)


def test_the_way_back_of_an_uneven_order(rng):
    transformer = io.Transformer({"data": (1, 4, 2, 3)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (1, 2, 3, 0))
    image = rng.random((2, 3, 4)).astype(np.float32)
    out = transformer.preprocess("data", image)
    np.testing.assert_array_equal(out, image.transpose(2, 0, 1)[[1, 2, 3, 0]])
    np.testing.assert_array_equal(transformer.deprocess("data", out), image)


def test_deprocessing_drops_what_has_length_one(rng):
    transformer = io.Transformer({"data": (1, 1, 4, 5)})
    data = rng.random((1, 1, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(transformer.deprocess("data", data), data[0, 0])
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_mean("data", np.array([0.5]))
    np.testing.assert_allclose(transformer.deprocess("data", data)[..., 0], data[0, 0] + 0.5)


def test_preprocessing_resizes(transformer, rng):
    image = rng.random((9, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(transformer.preprocess("data", image), io.resize_image(image, (4, 5)))


def test_means(transformer, rng):
    transformer.set_mean("data", np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(transformer.mean["data"], [[[1]], [[2]], [[3]]])
    whole = rng.random((3, 4, 5))
    transformer.set_mean("data", whole)
    np.testing.assert_array_equal(transformer.mean["data"], whole)
    # A mean of another size is resized, each channel by itself.
    transformer.set_mean("data", np.full((3, 8, 8), 7.0) * np.arange(1, 4)[:, None, None])
    mean = transformer.mean["data"]
    assert mean.shape == (3, 4, 5)
    np.testing.assert_allclose(mean, np.broadcast_to([[[7]], [[14]], [[21]]], mean.shape), rtol=1e-6)
    ramp = np.arange(8.0)[:, None] * 10 + np.arange(10)
    transformer.set_mean("data", np.stack([ramp] * 3))
    halves = (ramp[::2, ::2] + ramp[1::2, 1::2]) / 2
    np.testing.assert_allclose(transformer.mean["data"], np.stack([halves] * 3), rtol=1e-6)
    grey = io.Transformer({"x": (1, 1, 4, 5)})
    grey.set_transpose("x", (2, 0, 1))
    grey.set_mean("x", np.full((4, 5), 0.25))
    np.testing.assert_array_equal(grey.preprocess("x", np.ones((4, 5, 1))), np.full((1, 4, 5), 0.75))
    grey.set_mean("x", np.full((2, 2), 0.5))
    np.testing.assert_array_equal(grey.preprocess("x", np.ones((4, 5, 1))), np.full((1, 4, 5), 0.5))


def test_what_does_not_fit_the_input(transformer):
    for call in (
        lambda: transformer.preprocess("x", np.zeros((4, 5, 3))),
        lambda: transformer.deprocess("x", np.zeros((3, 4, 5))),
        lambda: transformer.set_transpose("x", (0, 1, 2)),
        lambda: transformer.set_channel_swap("x", (0, 1, 2)),
        lambda: transformer.set_raw_scale("x", 1),
        lambda: transformer.set_mean("x", np.zeros(3)),
        lambda: transformer.set_input_scale("x", 1),
    ):
        with pytest.raises(ValueError, match="'x' is none of the net's inputs: data"):
            call()
    with pytest.raises(ValueError, match=r"expected the 3 axes of an item, not \(0, 1\)"):
        transformer.set_transpose("data", (0, 1))
    with pytest.raises(ValueError, match=r"expected the 3 channels of 'data', not \(1, 0\)"):
        transformer.set_channel_swap("data", (1, 0))
    with pytest.raises(ValueError, match="the mean has 4 channels, input 'data' has 3"):
        transformer.set_mean("data", np.zeros(4))
    with pytest.raises(ValueError, match=r"expected a mean .* for \(3, 4, 5\), not \(1, 3, 4, 5\)"):
        transformer.set_mean("data", np.zeros((1, 3, 4, 5)))
    with pytest.raises(ValueError, match=r"expected a mean .* not \(2, 4, 5\)"):
        transformer.set_mean("data", np.zeros((2, 4, 5)))


# Images ---------------------------------------------------------------------------------------------------


def written(path, image):
    path.write_bytes(cv2.imencode(path.suffix, image)[1])
    return str(path)


def test_a_colour_image_is_rgb_from_zero_to_one(tmp_path, rng):
    bgr = rng.integers(256, size=(4, 6, 3)).astype(np.uint8)
    image = io.load_image(written(tmp_path / "a.png", bgr))
    assert (image.dtype, image.shape) == (np.float32, (4, 6, 3))
    np.testing.assert_allclose(image, bgr[:, :, ::-1] / 255.0, rtol=1e-6)
    grey = io.load_image(tmp_path / "a.png", color=False)
    assert (grey.dtype, grey.shape) == (np.float32, (4, 6, 1))
    luma = (bgr * [0.0721, 0.7154, 0.2125]).sum(2, keepdims=True) / 255
    np.testing.assert_allclose(grey, luma, rtol=1e-6)


def test_a_grey_image(tmp_path, rng):
    pixels = rng.integers(256, size=(4, 6)).astype(np.uint8)
    path = written(tmp_path / "a.png", pixels)
    np.testing.assert_allclose(io.load_image(path, color=False)[..., 0], pixels / 255.0, rtol=1e-6)
    colour = io.load_image(path)
    assert colour.shape == (4, 6, 3)
    np.testing.assert_allclose(colour, np.dstack([pixels / 255.0] * 3), rtol=1e-6)


def test_transparency_is_dropped_and_sixteen_bits_are_read(tmp_path, rng):
    bgra = rng.integers(256, size=(4, 6, 4)).astype(np.uint8)
    image = io.load_image(written(tmp_path / "a.png", bgra))
    np.testing.assert_allclose(image, bgra[:, :, 2::-1] / 255.0, rtol=1e-6)
    deep = rng.integers(65536, size=(4, 6)).astype(np.uint16)
    path = written(tmp_path / "deep.png", deep)
    np.testing.assert_allclose(io.load_image(path, False)[..., 0], deep / 65535.0, rtol=1e-6)


def test_what_is_no_image(tmp_path):
    with pytest.raises(FileNotFoundError):
        io.load_image(tmp_path / "none.png")
    for content in (b"", b"text"):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(OSError, match=r"a\.png' holds no image"):
            io.load_image(tmp_path / "a.png")


def naive(row, size, beyond):
    """Linear interpolation of a row between the centres of pixels."""
    padded = np.concatenate([[beyond], row, [beyond]])
    places = (np.arange(size) + 0.5) * len(row) / size + 0.5
    return np.interp(places, np.arange(len(padded)), padded)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(4, 13), (4, 3), (4, 7)])
def test_one_or_three_channels_are_interpolated_between_centres(rng, channels, size):
    image = rng.standard_normal((4, 7, channels))
    out = io.resize_image(image, size)
    assert (out.dtype, out.shape) == (np.float32, (*size, channels))
    for row in range(4):
        for channel in range(channels):
            expected = naive(image[row, :, channel], size[1], image.min())
            np.testing.assert_allclose(out[row, :, channel], expected, atol=1e-6)
    turned = io.resize_image(image.transpose(1, 0, 2), size[::-1])
    np.testing.assert_array_equal(turned, out.transpose(1, 0, 2))


def test_other_channels_are_interpolated_from_corner_to_corner(rng):
    image = rng.standard_normal((3, 5, 2))
    out = io.resize_image(image, (3, 9))
    np.testing.assert_allclose(out[:, ::2], image, atol=1e-6)
    np.testing.assert_allclose(out[:, 1::2], (image[:, 1:] + image[:, :-1]) / 2, atol=1e-6)
    np.testing.assert_allclose(io.resize_image(image, (1, 1))[0, 0], image[0, 0], atol=1e-6)


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("channels", [2, 3])
def test_splines_of_every_order_go_through_the_pixels(rng, order, channels):
    image = rng.standard_normal((6, 5, channels))
    np.testing.assert_allclose(io.resize_image(image, (6, 5), order), image, atol=1e-6)
    constant = io.resize_image(np.full((6, 5, channels), 0.3), (9, 4), order)
    np.testing.assert_allclose(constant, np.full((9, 4, channels), 0.3), rtol=1e-6)


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_splines_of_a_higher_order_follow_a_wave(order):
    # A cosine over whole half periods is what mirroring at the corners continues smoothly.
    wave = np.cos(np.linspace(0, 2 * np.pi, 25))
    image = np.repeat(wave[:, np.newaxis, np.newaxis], 2, axis=2)
    out = io.resize_image(image, (97, 1), order)[:, 0, 0]
    error = np.abs(out - np.cos(np.linspace(0, 2 * np.pi, 97))).max()
    linear = np.abs(io.resize_image(image, (97, 1))[:, 0, 0] - np.cos(np.linspace(0, 2 * np.pi, 97))).max()
    assert error < linear / 20


def test_splines_stay_within_the_range_of_an_image():
    image = np.zeros((8, 8, 3))
    image[2:6, 2:6] = 1
    out = io.resize_image(image, (30, 30), 3)
    assert (out.min(), out.max()) == (0, 1)
    more = io.resize_image(np.dstack([image, image[..., :1]]), (30, 30), 3)
    assert more.max() > 1.01


def test_a_constant_image_stays_constant():
    out = io.resize_image(np.full((3, 4, 3), 7, np.uint8), (5, 6))
    assert out.dtype == np.float32
    assert np.unique(out).tolist() == [7]


def test_there_are_orders_up_to_five():
    with pytest.raises(ValueError, match="interp_order from 0 to 5, not 6"):
        io.resize_image(np.zeros((2, 2, 3)), (3, 3), 6)


def test_ten_crops_of_each_image(rng):
    images = rng.random((2, 6, 9, 3))
    crops = io.oversample(images, (4, 5))
    assert (crops.dtype, crops.shape) == (np.float32, (20, 4, 5, 3))
    places = [(0, 0), (0, 4), (2, 0), (2, 4), (1, 2)]
    for n, image in enumerate(images):
        for k, (y, x) in enumerate(places):
            crop = image[y : y + 4, x : x + 5].astype(np.float32)
            np.testing.assert_array_equal(crops[10 * n + k], crop)
            np.testing.assert_array_equal(crops[10 * n + 5 + k], crop[:, ::-1])
    np.testing.assert_array_equal(io.oversample(list(images), np.array([4, 5])), crops)


def test_a_crop_is_no_larger_than_its_image():
    with pytest.raises(ValueError, match="a crop of 4x7 does not fit into an image of 6x6"):
        io.oversample([np.zeros((6, 6, 3))], (4, 7))


def test_the_messages_are_at_hand():
    assert io.caffe_pb2 is caffe_pb2
