from pathlib import Path

import numpy as np
import pytest

from netspec.data.transformer import Transformer
from netspec.errors import DataError, NetError
from netspec.schema.document import load_document
from netspec.schema.messages import BlobProto, TransformationParameter
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
    assert transformer.output_shape(image.shape) == (3, 3, 3)


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
