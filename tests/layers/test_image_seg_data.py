import cv2
import numpy as np
import pytest

FIELDS = 'type: "ImageSegData" image_data_param { source: "list.txt" label_type: %s }'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Images of 4 x 6, full of their number, with labels of twice that."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "img").mkdir()
    for index in range(3):
        cv2.imwrite(str(tmp_path / "img" / f"{index}.png"), np.full((4, 6, 3), index, np.uint8))
        cv2.imwrite(str(tmp_path / "img" / f"l{index}.png"), np.full((4, 6), 2 * index, np.uint8))
    (tmp_path / "list.txt").write_text("".join(f"{i}.png l{i}.png\n" for i in range(3)))
    (tmp_path / "numbers.txt").write_text("".join(f"{i}.png {5 * i}\n" for i in range(3)))
    return tmp_path


def _fields(type="PIXEL", more="", transform=""):
    text = FIELDS % (type + ' batch_size: 2 root_folder: "img/" ' + more)
    return f"{text} transform_param {{ {transform} }}"


def test_pixels(build):
    layer = build(_fields(), tops=3)
    assert layer.shapes == [(2, 3, 4, 6), (2, 1, 4, 6), (2, 1, 1, 2)]
    images, labels, sizes = layer.stream(0).batch(1)
    assert images.amax(dim=(1, 2, 3)).tolist() == [2, 0]
    assert labels.amax(dim=(1, 2, 3)).tolist() == [4, 0]
    assert sizes.flatten().tolist() == [4, 6, 4, 6]
    assert build(_fields(), tops=2).shapes == layer.shapes[:2]


def test_other_kinds_of_labels(build):
    text = _fields("IMAGE").replace("list.txt", "numbers.txt")
    assert build(text, tops=3).stream(0).batch(0)[1].amax(dim=(1, 2, 3)).tolist() == [0, 5]
    assert build(text.replace("label_type: IMAGE", ""), tops=3).stream(0).batch(0)[1].max() == 5
    text = _fields("NONE", "ignore_label: 9")
    assert build(text, tops=3).stream(0).batch(0)[1].unique().tolist() == [9]


def test_settings_reach_the_images(build):
    text = _fields(more="new_height: 8 new_width: 10 is_color: false", transform="mean_value: 1 scale: 2")
    layer = build(text, tops=3)
    assert layer.shapes == [(2, 1, 8, 10), (2, 1, 8, 10), (2, 1, 1, 2)]
    assert layer.stream(0).batch(0)[0].amax(dim=(1, 2, 3)).tolist() == [-2, 0]
    assert build(_fields(transform="crop_size: 3"), tops=3).shapes[0] == (2, 3, 3, 3)
    layer = build(_fields(more="ignore_label: 8", transform="crop_height: 5 crop_width: 2"), tops=3)
    assert layer.shapes[1] == (2, 1, 5, 2)
    assert layer.stream(0).batch(0)[1].unique().tolist() == [0, 2, 8]
    labels = build(_fields(more="shuffle: true"), tops=3)
    assert len({tuple(labels.stream(seed).batch(0)[1].amax(dim=(1, 2, 3)).tolist()) for seed in range(9)}) > 3
    skipped = build(_fields(more="rand_skip: 2"), tops=3)
    assert {float(skipped.stream(seed).batch(0)[0][0].max()) for seed in range(20)} == {0, 1}


def test_random_only_in_training(build, folder):
    cv2.imwrite(str(folder / "img" / "0.png"), np.arange(72, dtype=np.uint8).reshape(4, 6, 3))
    text = _fields(transform="crop_size: 3 mirror: true scale_factors: 1 scale_factors: 2")
    counts = []
    for training in (True, False):
        layer = build(text, tops=3, training=training)
        counts.append(len({tuple(layer.stream(seed).batch(0)[0][0].flatten().tolist()) for seed in range(9)}))
    assert counts[0] > 5
    assert counts[1] == 1


@pytest.mark.parametrize(
    ("message", "marked", "more", "transform"),
    [
        ("new_height and new_width go together", "8", "new_height: 8", ""),
        ("new_width and new_height go together", "8", "new_width: 8", ""),
        ("crop_height and crop_width go together", "8", "", "crop_height: 8"),
        (
            "crop_size, or crop_height and crop_width, not both",
            "7",
            "",
            "crop_size: 7 crop_height: 8 crop_width: 8",
        ),
        ("takes mean_value, not mean_file", '"m"', "", 'mean_file: "m"'),
        ("crop_h has no effect in ImageSegData", "3", "", "crop_h: 3"),
        ("for each of 3 channels, found 2", "1", "", "mean_value: 1 mean_value: 2"),
        (
            "for each of 1 channels, found 3",
            "1",
            "is_color: false",
            "mean_value: 1 mean_value: 2 mean_value: 3",
        ),
    ],
)
def test_refused(rejects, message, marked, more, transform):
    rejects(message, marked, _fields("PIXEL", more, transform), tops=3)


def test_arity(rejects):
    rejects("takes 1 to 3 tops, not 4", '"t3"', _fields(), tops=4)
