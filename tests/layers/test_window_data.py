import cv2
import numpy as np
import pytest

from netspec.errors import DataError
from netspec.schema.messages import BlobProto

FIELDS = 'type: "WindowData" window_data_param { source: "w.txt" batch_size: 4 root_folder: "img/" %s }'
CROP = "transform_param { crop_size: 8 %s }"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """One image, with a window of class 3 and one of background, that differ in every pixel."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "img").mkdir()
    image = np.full((10, 20, 3), 100, np.uint8)
    image[:, 10:] = 200
    cv2.imwrite(str(tmp_path / "img" / "a.png"), image)
    (tmp_path / "w.txt").write_text("# 0\na.png\n3\n10\n20\n2\n3 0.6 2 2 7 5\n1 0.2 12 1 17 8\n")
    return tmp_path


def _batch(layer, seed=0):
    images, labels = layer.stream(seed).batch(0)
    return [sorted(image.unique().tolist()) for image in images], labels.tolist()


def test_windows_and_classes(build):
    layer = build(FIELDS % "" + CROP % "", tops=2)
    assert layer.shapes == [(4, 3, 8, 8), (4,)]
    assert _batch(layer) == ([[200]] * 3 + [[100]], [0, 0, 0, 3])
    layer = build(FIELDS % "fg_fraction: 0.75" + CROP % "", tops=2)
    assert _batch(layer) == ([[200]] + [[100]] * 3, [0, 3, 3, 3])


def test_thresholds(build):
    layer = build(FIELDS % "fg_threshold: 0.2 fg_fraction: 1" + CROP % "", tops=2)
    assert {label for seed in range(20) for label in _batch(layer, seed)[1]} == {1, 3}
    layer = build(FIELDS % "fg_threshold: 0.7 bg_threshold: 0.7 fg_fraction: 0" + CROP % "", tops=2)
    assert _batch(layer)[1] == [0] * 4


def test_context_and_square(build):
    padded = _batch(build(FIELDS % "context_pad: 2 fg_fraction: 1" + CROP % "", tops=2))[0]
    square = _batch(build(FIELDS % 'crop_mode: "square" fg_fraction: 1' + CROP % "", tops=2))[0]
    assert padded[0][0] == 0  # 6 pixels wide, with 3 more on the left, of which 1 is outside
    assert square == [[100]] * 4


def test_mean_and_scale(build, folder):
    text = CROP % "mean_value: 20 mean_value: 40 mean_value: 60 scale: 0.5"
    assert _batch(build(FIELDS % "fg_fraction: 1" + text, tops=2))[0] == [[20, 30, 40]] * 4
    text = FIELDS % "scale: 0.5 fg_fraction: 1" + CROP % "mean_value: 50"
    assert _batch(build(text, tops=2))[0] == [[25]] * 4
    mean = BlobProto(num=1, channels=3, height=12, width=12, data=[60] * 432)
    (folder / "mean.binaryproto").write_bytes(mean.SerializeToString())
    text = FIELDS % "fg_fraction: 1" + CROP % 'mean_file: "mean.binaryproto"'
    assert _batch(build(text, tops=2))[0] == [[40]] * 4


def test_mirror(build):
    text = FIELDS % "context_pad: 2 fg_fraction: 1 batch_size: 64" + CROP % "mirror: true"
    for training, count in ((True, 2), (False, 1)):
        images, _ = build(text, tops=2, training=training).stream(0).batch(0)
        assert len(images.unique(dim=0)) == count


def test_kept_images(build, folder):
    stream = build(FIELDS % "cache_images: true" + CROP % "", tops=2).stream(0)
    stream.batch(0)
    (folder / "img" / "a.png").unlink()
    stream.batch(1)
    with pytest.raises(DataError, match=r"no such image: 'img/a\.png'"):
        build(FIELDS % "" + CROP % "", tops=2).stream(0).batch(0)


def test_refused(rejects, folder):
    rejects("crop_size is missing", "layer", FIELDS % "", tops=2)
    rejects("context_pad 4 on both sides leaves nothing", "4", FIELDS % "context_pad: 4" + CROP % "", tops=2)
    rejects("crop_mode must be", '"wrap"', FIELDS % 'crop_mode: "wrap"' + CROP % "", tops=2)
    rejects("between 0 and 1", "1.5", FIELDS % "fg_fraction: 1.5" + CROP % "", tops=2)
    rejects(
        "for each of 3 channels, found 2", "1", FIELDS % "" + CROP % "mean_value: 1 mean_value: 2", tops=2
    )
    rejects("not both", '"m"', FIELDS % "" + CROP % 'mean_file: "m" mean_value: 2', tops=2)
    text = FIELDS % "fg_threshold: 0.7" + CROP % ""
    rejects("there are no foreground windows", '"w.txt"', text, tops=2, error=DataError)
    mean = BlobProto(num=1, channels=3, height=2, width=2, data=[0] * 12)
    (folder / "mean.binaryproto").write_bytes(mean.SerializeToString())
    text = FIELDS % "" + CROP % 'mean_file: "mean.binaryproto"'
    rejects("the mean image is 3x2x2", '"w.txt"', text, tops=2, error=DataError)


def test_fields_that_are_not_honoured(rejects):
    rejects("crop_h has no effect in WindowData", "3", FIELDS % "" + CROP % "crop_h: 3", tops=2)


def test_in_training_each_process_draws_its_own_batches(build, monkeypatch):
    alone = build(FIELDS % "fg_fraction: 0.5" + CROP % "mirror: true", tops=2, training=True).stream(3)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        shared = build(FIELDS % "fg_fraction: 0.5" + CROP % "mirror: true", tops=2, training=True).stream(3)
        for index in range(3):
            for mine, whole in zip(shared.batch(index), alone.batch(2 * index + rank), strict=True):
                assert mine.equal(whole)
