from pathlib import Path

import cv2
import numpy as np
import pytest

from netspec.data.transformer import Transformer
from netspec.errors import DataError, NetError
from netspec.schema.document import load_document
from netspec.schema.messages import BatchSampler, BlobProto, TransformationParameter
from netspec.text.source import Source

_GOLDEN = Path(__file__).parents[1] / "golden" / "data"


def _transformer(text, training=False, seed=0, path=None):
    document = load_document(Source("transform", text, path), TransformationParameter)
    return Transformer(document.message, document.spans, training=training, seed=seed)


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(256, size=(6, 8, 3)).astype(np.uint8)


def _planes(image):
    return image.transpose(2, 0, 1).astype(np.float32)


def test_nothing_to_do(image):
    result = _transformer("")(image, 0)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, _planes(image))


def test_mean_then_scale(image):
    expected = (_planes(image) - np.float32([1, 2, 3])[:, None, None]) * np.float32(0.5)
    text = "scale: 0.5 mean_value: 1 mean_value: 2 mean_value: 3"
    np.testing.assert_array_equal(_transformer(text)(image, 0), expected)
    expected = (_planes(image) - 7) * np.float32(0.1)
    np.testing.assert_array_equal(_transformer("scale: 0.1 mean_value: 7")(image, 0), expected)


def test_in_test_the_crop_is_the_middle(image):
    expected = _planes(image)[:, 1:4, 2:5]
    transformer = _transformer("crop_size: 3 mirror: true")
    np.testing.assert_array_equal(transformer(image, 0), expected)


def test_in_training_crops_and_mirrors_are_random_pieces(image):
    transformer, planes = _transformer("crop_size: 5 mirror: true", training=True), _planes(image)
    pieces = {
        (top, left, mirrored): planes[:, top : top + 5, left : left + 5][..., :: -1 if mirrored else 1]
        for top in range(2)
        for left in range(4)
        for mirrored in (False, True)
    }
    drawn = set()
    for record in range(200):
        result = transformer(image, record)
        drawn.add(next(key for key, piece in pieces.items() if np.array_equal(piece, result)))
    assert drawn == set(pieces)


def test_mirroring_alone(image):
    transformer = _transformer("mirror: true", training=True)
    results = [transformer(image, record) for record in range(30)]
    mirrored = [np.array_equal(result, _planes(image)[..., ::-1]) for result in results]
    assert 5 < sum(mirrored) < 25
    assert all(m or np.array_equal(r, _planes(image)) for m, r in zip(mirrored, results, strict=True))


def test_draws_follow_from_seed_and_record(image):
    draws = [
        [_transformer("crop_size: 2", True, seed)(image, r).tolist() for r in range(9)] for seed in (1, 2)
    ]
    again = _transformer("crop_size: 2", True, 1)
    assert [again(image, record).tolist() for record in reversed(range(9))] == draws[0][::-1]
    assert draws[0] != draws[1]


def _write_mean(path, values, legacy=False):
    blob = BlobProto(data=values.flatten().tolist())
    if legacy:
        blob.num, blob.channels, blob.height, blob.width = 1, *values.shape
    else:
        blob.shape.dim.extend(values.shape)
    path.write_bytes(blob.SerializeToString())


@pytest.mark.parametrize("legacy", [False, True])
def test_mean_file_is_cropped_and_mirrored_with_the_image(tmp_path, image, legacy):
    _write_mean(tmp_path / "mean.binaryproto", _planes(image), legacy)
    text = 'mean_file: "mean.binaryproto" crop_size: 3 mirror: true'
    transformer = _transformer(text, training=True, path=tmp_path / "net.prototxt")
    for record in range(9):
        assert (transformer(image, record) == 0).all()


def test_caffe_s_own_mean_file_and_crop():
    text = 'mean_file: "mean.binaryproto" crop_size: 15 scale: 0.5'
    transformer = _transformer(text, path=_GOLDEN / "net.prototxt")
    raw = np.load(_GOLDEN / "data_lmdb_raw.npz")["batch/0/data"]
    recorded = np.load(_GOLDEN / "data_lmdb_mean_file_crop.npz")["batch/0/data"]
    found = [transformer(image.transpose(1, 2, 0).astype(np.uint8), 0) for image in raw]
    np.testing.assert_array_equal(np.stack(found), recorded)


def test_mean_file_of_another_size(tmp_path, image):
    _write_mean(tmp_path / "mean.binaryproto", np.zeros((3, 2, 2), np.float32))
    transformer = _transformer('mean_file: "mean.binaryproto"', path=tmp_path / "net.prototxt")
    with pytest.raises(DataError, match="the mean image is 3x2x2, the image 3x6x8"):
        transformer(image, 0)


@pytest.mark.parametrize(
    "content", [b"nonsense", BlobProto(num=1, channels=3, data=[1.0]).SerializeToString()]
)
def test_mean_file_that_is_none(tmp_path, image, content):
    (tmp_path / "mean.binaryproto").write_bytes(content)
    transformer = _transformer('mean_file: "mean.binaryproto"', path=tmp_path / "net.prototxt")
    with pytest.raises(DataError, match="no binaryproto of a mean image") as caught:
        transformer(image, 0)
    assert caught.value.diagnostics[0].span.start == len("mean_file: ")


def test_contradictions(image):
    with pytest.raises(NetError, match="mean_file or mean_value, not both"):
        _transformer('mean_file: "x" mean_value: 3')
    with pytest.raises(DataError, match="for each of 3 channels, found 2"):
        _transformer("mean_value: 3 mean_value: 4")(image, 0)
    with pytest.raises(DataError, match="crop_size 7 is larger than an image of 6 x 8") as caught:
        _transformer("crop_size: 7")(image, 0)
    assert caught.value.diagnostics[0].span.column == 12


# What the forks added -----------------------------------------------------------------------------------


def test_a_crop_that_is_not_square(image):
    np.testing.assert_array_equal(_transformer("crop_h: 2 crop_w: 4")(image, 0), _planes(image)[:, 2:4, 2:6])
    with pytest.raises(DataError, match="the crop of 2 x 9 is larger than an image of 6 x 8") as caught:
        _transformer("crop_h: 2 crop_w: 9")(image, 0)
    assert caught.value.diagnostics[0].span.column == len("crop_h: ") + 1


def test_resized_then_noised_then_cropped_then_without_mean(image):
    text = "resize_param { height: 12 width: 16 } noise_param { inverse: true } crop_size: 4 "
    text += "mean_value: 7 scale: 2"
    resized = cv2.resize(image, (16, 12))
    expected = (_planes(255 - resized)[:, 4:8, 6:10] - 7) * 2
    np.testing.assert_array_equal(_transformer(text)(image, 0), expected)


def test_the_mean_file_has_the_size_of_what_is_cropped(tmp_path, image):
    _write_mean(tmp_path / "mean.binaryproto", np.full((3, 3, 4), 9, np.float32))
    text = 'mean_file: "mean.binaryproto" resize_param { height: 3 width: 4 }'
    found = _transformer(text, path=tmp_path / "net.prototxt")(image, 0)
    np.testing.assert_array_equal(found, _planes(cv2.resize(image, (4, 3))) - 9)


def test_expanded_on_a_canvas_of_the_mean(image):
    image = image.clip(20)
    text = "expand_param { max_expand_ratio: 3 } mean_value: 5 mean_value: 6 mean_value: 7"
    transformer = _transformer(text)
    sizes = set()
    for record in range(40):
        found = transformer(image, record)
        sizes.add(found.shape)
        places = np.argwhere(found.any(axis=0))
        piece = found[:, places[:, 0].min() :, places[:, 1].min() :][:, :6, :8]
        np.testing.assert_array_equal(piece, _planes(image) - np.float32([5, 6, 7])[:, None, None])
        assert np.count_nonzero(found) == np.count_nonzero(piece)
    assert len(sizes) > 10
    assert max(sizes)[1] <= 18


def test_half_are_expanded(image):
    transformer = _transformer("expand_param { prob: 0.5 max_expand_ratio: 4 }")
    assert 25 < sum(transformer(image, record).shape == (3, 6, 8) for record in range(100)) < 75


def test_draws_of_the_forks_follow_from_seed_and_record(image):
    text = (
        "distort_param { brightness_prob: 1 brightness_delta: 32 } expand_param { max_expand_ratio: 2 } "
        "resize_param { height: 4 width: 4 interp_mode: AREA interp_mode: CUBIC } "
        "noise_param { saltpepper: true saltpepper_param { fraction: 0.2 value: 9 } }"
    )
    drawn = [
        [_transformer(text, True, seed)(image, record).tobytes() for record in range(9)] for seed in (1, 2)
    ]
    again = _transformer(text, True, 1)
    assert [again(image, record).tobytes() for record in reversed(range(9))] == drawn[0][::-1]
    assert len({*drawn[0], *drawn[1]}) == 18
    seeded = [_transformer(text + "random_seed: 5", True, seed)(image, 0).tobytes() for seed in (1, 2)]
    assert seeded[0] == seeded[1]
    assert seeded[0] == _transformer(text, True, 5)(image, 0).tobytes()


def test_nvidia_resizes_at_random(image):
    transformer = _transformer("img_rand_resize_lower: 4 img_rand_resize_upper: 6 crop_size: 3", True)
    assert {transformer(image, record).shape for record in range(20)} == {(3, 3, 3)}


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("", False),
        ("crop_size: 3", True),
        ("crop_h: 3 crop_w: 3", True),
        ("resize_param { height: 3 width: 4 }", True),
        ("resize_param { resize_mode: FIT_SMALL_SIZE height: 3 width: 4 }", False),
        ("img_rand_resize_lower: 4 img_rand_resize_upper: 6", False),
    ],
)
def test_whether_the_size_is_fixed(text, fixed):
    assert _transformer(text).fixes_size is fixed


def test_what_an_image_is_not_made_for(image):
    distort, noise = "distort_param { hue_prob: 1 }", "noise_param { decolorize: true }"
    cases = [
        (distort, image[..., :1], "only colour images are distorted, and this one has 1 channels"),
        (distort, image.astype(np.float32), "distort_param asks for images of bytes"),
        (noise, image.astype(np.float32), "noise_param asks for images of bytes"),
        (noise, image[..., :1], r"an image of 6x8x1 \(height x width x channels\) cannot be changed so"),
        ("resize_param { resize_mode: 3 height: 1 width: 1 }", image[:1], "cannot be changed so"),
    ]
    for text, given, message in cases:
        with pytest.raises(DataError, match=message) as caught:
            _transformer(text)(given, 0)
        assert caught.value.diagnostics[0].span is not None


# Objects ------------------------------------------------------------------------------------------------


def _with_objects(text, objects, image, training=False, record=0, samplers=()):
    document = load_document(Source("transform", text), TransformationParameter)
    transformer = Transformer(
        document.message, document.spans, training=training, samplers=[BatchSampler(**s) for s in samplers]
    )
    return transformer.with_objects(image, np.asarray(objects, np.float32), record)


@pytest.fixture
def square():
    """A black image of 200 x 200 with a white object, and its row."""
    image = np.zeros((200, 200, 3), np.uint8)
    image[60:120, 40:140] = 255
    return image, [[3, 7, 0.2, 0.3, 0.7, 0.6, 1]]


def _box_of(pixels):
    """The corners of what is white, in shares of the sides."""
    rows, columns = (np.flatnonzero((pixels[0] > 128).any(axis=axis)) for axis in (1, 0))
    height, width = pixels.shape[1:]
    return [columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height]


GEOMETRY = {
    "nothing": ("", {}),
    "a crop in the middle": ("crop_h: 100 crop_w: 160", {}),
    "a random crop": ("crop_size: 120 mirror: true", {"training": True}),
    "mirrored": ("mirror: true", {"training": True}),
    "warped": ("resize_param { height: 40 width: 10 interp_mode: NEAREST }", {}),
    "padded": (
        "resize_param { height: 40 width: 80 resize_mode: FIT_LARGE_SIZE_AND_PAD interp_mode: NEAREST }",
        {},
    ),
    "expanded": ("expand_param { max_expand_ratio: 4 }", {}),
    "sampled": ("", {"samplers": [{"sampler": {"min_scale": 0.5, "max_scale": 0.9}}]}),
    "all of it": (
        "expand_param { max_expand_ratio: 2 } resize_param { height: 80 width: 80 } crop_size: 60 "
        "mirror: true",
        {"training": True, "samplers": [{"sampler": {"min_scale": 0.6, "max_scale": 0.9}}]},
    ),
}


@pytest.mark.parametrize("name", GEOMETRY)
def test_boxes_follow_the_image(square, name):
    text, options = GEOMETRY[name]
    image, objects = square
    for record in range(25):
        pixels, found = _with_objects(text, objects, image, record=record, **options)
        if not (pixels > 128).any():
            continue
        assert found[0, [0, 1, 6]].tolist() == [3, 7, 1]
        tolerance = 0.02 if "samplers" in options else 1e-6  # windows are rounded to pixels
        np.testing.assert_allclose(found[0, 2:6], _box_of(pixels), atol=tolerance)


def test_objects_that_are_cut_off_are_dropped(square):
    image, objects = square
    outside = [2, 0, 0.9, 0.9, 1, 1, 0]
    _, found = _with_objects("crop_h: 100 crop_w: 160", [*objects, outside], image)
    assert found[:, 0].tolist() == [3]
    constraint = "emit_constraint { emit_type: MIN_OVERLAP emit_overlap: 0.99 }"
    assert len(_with_objects("crop_h: 100 crop_w: 60", objects, image)[1]) == 1
    assert len(_with_objects(f"crop_h: 100 crop_w: 60 {constraint}", objects, image)[1]) == 0
