from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch

from netspec.data.image_pairs import ImagePairs, PairTransformer, read_pairs
from netspec.data.images import ImageFiles
from netspec.errors import DataError

COUNT = 5


@pytest.fixture
def folder(tmp_path):
    """Images of 6 x 8 and their labels: each pixel has for its label its own blue."""
    rng = np.random.default_rng(0)
    for index in range(COUNT):
        image = rng.integers(256, size=(6, 8, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{index}.png"), image)
        cv2.imwrite(str(tmp_path / f"l{index}.png"), image[..., 0])
    (tmp_path / "pixel.txt").write_text("".join(f"{i}.png l{i}.png\n" for i in range(COUNT)))
    (tmp_path / "image.txt").write_text("".join(f"{i}.png  {10 * i}\n" for i in range(COUNT)))
    (tmp_path / "none.txt").write_text("".join(f"{i}.png\n" for i in range(COUNT)))
    return tmp_path


def _image(folder, index):
    return cv2.imread(str(folder / f"{index}.png")).transpose(2, 0, 1).astype(np.float32)


def _stream(folder, kind="PIXEL", training=False, seed=0, transform=None, **settings):
    transformer = PairTransformer(training=training, seed=seed, **(transform or {}))
    pairs = read_pairs(folder / f"{kind.lower()}.txt", kind)
    return ImagePairs(pairs, ImageFiles((folder,)), transformer, kind, seed=seed, **settings)


def test_images_labels_and_sizes(folder):
    stream = _stream(folder, batch_size=3)
    assert stream.shapes == ((3, 3, 6, 8), (3, 1, 6, 8), (3, 1, 1, 2))
    for index in range(4):
        images, labels, sizes = stream.batch(index)
        assert {images.dtype, labels.dtype, sizes.dtype} == {torch.float32}
        for place, image in enumerate(images):
            np.testing.assert_array_equal(image, _image(folder, (3 * index + place) % COUNT))
        assert torch.equal(labels, images[:, :1])
        assert sizes.view(3, 2).tolist() == [[6, 8]] * 3


def test_one_label_per_image_or_none(folder):
    _, labels, _ = _stream(folder, "IMAGE", batch_size=COUNT).batch(0)
    assert (labels == torch.arange(0, 50, 10).view(COUNT, 1, 1, 1)).all()
    assert labels.shape == (COUNT, 1, 6, 8)
    assert (_stream(folder, "NONE", ignore=7).batch(0)[1] == 7).all()
    assert (_stream(folder, "NONE").batch(0)[1] == 255).all()


def test_labels_are_bytes(folder):
    (folder / "image.txt").write_text("0.png 300\n1.png -1\n")
    assert _stream(folder, "IMAGE", batch_size=2).batch(0)[1][:, 0, 0, 0].tolist() == [255, 0]


def test_fewer_parts(folder):
    for parts in (1, 2):
        stream = _stream(folder, batch_size=2, parts=parts)
        assert len(stream.shapes) == len(stream.batch(0)) == parts


def test_mean_and_scale_touch_the_image_alone(folder):
    images, labels, _ = _stream(folder, transform={"mean": [1, 2, 3], "scale": 0.5}).batch(0)
    mean = np.float32([1, 2, 3]).reshape(3, 1, 1)
    np.testing.assert_array_equal(images[0], (_image(folder, 0) - mean) * np.float32(0.5))
    np.testing.assert_array_equal(labels[0], _image(folder, 0)[:1])


def test_in_test_the_crop_is_the_middle(folder):
    transform = {"crop": (3, 4), "mirror": True, "factors": [2]}
    images, labels, sizes = _stream(folder, transform=transform).batch(0)
    np.testing.assert_array_equal(images[0], _image(folder, 0)[:, 1:4, 2:6])
    assert torch.equal(labels, images[:, :1])
    assert sizes.flatten().tolist() == [3, 4]


def test_in_training_image_and_labels_are_cut_and_mirrored_alike(folder):
    transform = {"crop": (5, 5), "mirror": True}
    stream = _stream(folder, training=True, transform=transform, batch_size=COUNT)
    image, seen = _image(folder, 0), set()
    pieces = {
        (top, left, step): image[:, top : top + 5, left : left + 5][..., ::step]
        for top in range(2)
        for left in range(4)
        for step in (1, -1)
    }
    for index in range(100):
        images, labels, _ = stream.batch(index)
        assert torch.equal(labels, images[:, :1])
        seen.add(next(key for key, piece in pieces.items() if np.array_equal(piece, images[0])))
    assert seen == set(pieces)


def test_what_is_smaller_than_the_crop_is_padded_below_and_on_the_right(folder):
    transform = {"crop": (9, 11), "mean": [4], "ignore": 99}
    for training in (False, True):
        images, labels, sizes = _stream(folder, training=training, transform=transform).batch(0)
        np.testing.assert_array_equal(images[0, :, :6, :8], _image(folder, 0) - 4)
        np.testing.assert_array_equal(labels[0, :, :6, :8], _image(folder, 0)[:1])
        for rest, fill in ((images, 0), (labels, 99)):
            assert (rest[:, :, 6:] == fill).all()
            assert (rest[..., 8:] == fill).all()
        assert sizes.flatten().tolist() == [6, 8]


def test_one_side_padded_and_the_other_cut(folder):
    images, labels, sizes = _stream(folder, transform={"crop": (9, 4)}).batch(0)
    np.testing.assert_array_equal(images[0, :, :6], _image(folder, 0)[:, :, 2:6])
    assert (labels[:, :, 6:] == 255).all()
    assert sizes.flatten().tolist() == [6, 4]


def test_scale_factors(folder):
    transform = {"factors": [1, 0.5, 1.3], "crop": (12, 12), "ignore": 0}
    stream, sides = _stream(folder, training=True, transform=transform, batch_size=COUNT), set()
    for index in range(20):
        images, labels, _ = stream.batch(index)
        for image, classes in zip(images, labels, strict=True):
            inked = np.flatnonzero(image.sum(dim=(0, 1)))
            sides.add(int(inked[-1]) + 1)
            assert set(classes.unique().int().tolist()) <= set(range(256))
    assert sides == {8, 4, 10}  # 1.3 * 8 is cut off, not rounded
    small = _stream(folder, training=True, transform={"factors": [0.5]}).batch(0)
    image = _image(folder, 0).transpose(1, 2, 0).astype(np.uint8)
    np.testing.assert_array_equal(small[0][0], cv2.resize(image, (4, 3)).transpose(2, 0, 1))
    nearest = cv2.resize(image[..., 0], (4, 3), interpolation=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(small[1][0, 0], nearest)


def test_resized_labels_are_not_interpolated(folder):
    _, labels, sizes = _stream(folder, size=(12, 24)).batch(0)
    assert labels.shape == (1, 1, 12, 24)
    assert set(labels.unique().tolist()) <= set(np.unique(_image(folder, 0)[0]).tolist())
    assert sizes.flatten().tolist() == [12, 24]


def test_gray(folder):
    assert _stream(folder, color=False).shapes[0] == (1, 1, 6, 8)


def test_shuffled_and_skipped(folder):
    labels = _stream(folder, "IMAGE", shuffle=True, batch_size=COUNT).batch(3)[1][:, 0, 0, 0]
    assert sorted(labels.tolist()) == [0, 10, 20, 30, 40]
    starts = {float(_stream(folder, "IMAGE", rand_skip=2, seed=seed).batch(0)[1].max()) for seed in range(20)}
    assert starts == {0, 10}


def test_a_batch_is_a_function_of_its_number(folder):
    transform = {"crop": (4, 4), "mirror": True, "factors": [1, 2]}
    settings = {"training": True, "seed": 3, "transform": transform, "batch_size": 2, "shuffle": True}
    in_order = [_stream(folder, **settings).batch(index) for index in range(9)]
    stream = _stream(folder, **settings)
    with ThreadPoolExecutor(4) as pool:
        for index, batch in zip(reversed(range(9)), pool.map(stream.batch, reversed(range(9))), strict=True):
            assert all(map(torch.equal, batch, in_order[index]))


@pytest.mark.parametrize(
    ("kind", "line", "message"),
    [
        ("PIXEL", "1.png", "expected a line `path path`"),
        ("IMAGE", "1.png", "expected a line `path label`"),
        ("IMAGE", "1.png l1.png", "with an integer label"),
    ],
)
def test_lines_that_lack_something(folder, kind, line, message):
    path = folder / f"{kind.lower()}.txt"
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        read_pairs(path, kind)
    assert caught.value.diagnostics[0].span.line == COUNT + 1


def _marked(stream, message):
    with pytest.raises(DataError, match=message) as caught:
        stream.batch(0)
    span = caught.value.diagnostics[0].span
    return span.line, span.source.text[span.start : span.end]


def test_pairs_that_do_not_fit(folder):
    cv2.imwrite(str(folder / "l1.png"), np.zeros((6, 7), np.uint8))
    message = r"label image 'l1\.png' is 6 x 7, its image 6 x 8"
    assert _marked(_stream(folder, batch_size=2), message) == (2, "l1.png")
    cv2.imwrite(str(folder / "1.png"), np.zeros((6, 7, 3), np.uint8))
    message = r"image '1\.png' is 3x6x7, others of its batch 3x6x8"
    assert _marked(_stream(folder, batch_size=2), message) == (2, "1.png")


def test_images_that_are_not_there(folder):
    (folder / "l1.png").unlink()
    assert _marked(_stream(folder, batch_size=2), r"no such image: 'l1\.png'") == (2, "l1.png")
    (folder / "1.png").write_bytes(b"x")
    assert _marked(_stream(folder, batch_size=2), r"cannot read image '1\.png'") == (2, "1.png")
