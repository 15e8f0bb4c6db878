from concurrent.futures import ThreadPoolExecutor
from math import floor

import cv2
import numpy as np
import pytest
import torch

from netspec.data.images import ImageFiles
from netspec.data.windows import WindowBatches, fit_window, read_windows
from netspec.errors import DataError

TEXT = """\
# 0
a.png
3
20
30
3
2 0.75 4 5 12 10
1 0.5 0 0 29 19
7 0.4 1 2 3 4
# 1
sub dir/b.png
3
16
16
2
3 1 2 3 9 15
5 0.1 0 0 7 3
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "sub dir").mkdir()
    for name, side in (("a.png", (20, 30)), ("sub dir/b.png", (16, 16))):
        cv2.imwrite(str(tmp_path / name), rng.integers(1, 256, size=(*side, 3)).astype(np.uint8))
    (tmp_path / "w.txt").write_text(TEXT)
    return tmp_path


def _stream(folder, **settings):
    settings = {"batch_size": 8, "crop_size": 10, **settings}
    return WindowBatches(read_windows(folder / "w.txt"), ImageFiles((folder,)), **settings)


def test_what_a_file_says(folder):
    windows = read_windows(folder / "w.txt")
    assert windows.images == [("a.png", 1), ("sub dir/b.png", 10)]
    assert windows.image.tolist() == [0, 0, 0, 1, 1]
    assert windows.label.tolist() == [2, 1, 7, 3, 5]
    assert windows.overlap.tolist() == np.float32([0.75, 0.5, 0.4, 1, 0.1]).tolist()
    assert windows.box.tolist() == [[4, 5, 12, 10], [0, 0, 29, 19], [1, 2, 3, 4], [2, 3, 9, 15], [0, 0, 7, 3]]
    spans = [windows.span(line) for line in windows.line]
    texts = [span.source.text[span.start : span.end] for span in spans]
    assert texts == [line for line in TEXT.split("\n") if line.count(" ") == 5]


def test_blank_lines_between_images_and_images_without_windows(tmp_path):
    (tmp_path / "w.txt").write_text("\n# 0\na.png\n3\n4\n4\n0\n\n# 1\nb.png\n3\n4\n4\n1\n1 1 0 0 1 1\n\n")
    windows = read_windows(tmp_path / "w.txt")
    assert windows.image.tolist() == [1]
    assert windows.line.tolist() == [14]


def _drawn(stream, batches=30):
    """The classes that were drawn, of the first and of the other rows."""
    labels = torch.stack([stream.batch(index)[1] for index in range(batches)])
    return [set(part.flatten().int().tolist()) for part in labels.split([6, 2], dim=1)]


def test_background_first_then_foreground(folder):
    assert _drawn(_stream(folder)) == [{0}, {1, 2, 3}]
    assert _drawn(_stream(folder, fg_threshold=0.75)) == [{0}, {2, 3}]
    assert _drawn(_stream(folder, fg_threshold=0.75, bg_threshold=0.3)) == [{0}, {2, 3}]
    assert _drawn(_stream(folder, fg_fraction=1.0)) == [{1, 2, 3}, {1, 2, 3}]
    assert (_stream(folder, batch_size=7, fg_fraction=0.5).batch(0)[1] > 0).tolist() == [False] * 4 + [
        True
    ] * 3


def test_which_windows_are_background(folder):
    images = [_stream(folder, bg_threshold=limit, fg_fraction=0).batch(0)[0] for limit in (0.5, 0.3)]
    assert [len(image.unique(dim=0)) for image in images] == [2, 1]


def test_a_batch_is_a_function_of_its_number(folder):
    settings = {"mirror": True, "context_pad": 2, "seed": 4}
    in_order = [_stream(folder, **settings).batch(index) for index in range(9)]
    stream = _stream(folder, **settings)
    with ThreadPoolExecutor(4) as pool:
        for index, batch in zip(reversed(range(9)), pool.map(stream.batch, reversed(range(9))), strict=True):
            assert all(map(torch.equal, batch, in_order[index]))
    assert len({tuple(images.flatten().tolist()) for images, _ in in_order}) == 9


def test_a_window_is_stretched_to_the_square(folder):
    image = cv2.imread(str(folder / "sub dir" / "b.png"))
    stream = _stream(folder, batch_size=1, fg_threshold=0.9, fg_fraction=1, crop_size=12)
    assert stream.shapes == ((1, 3, 12, 12), (1,))
    images, labels = stream.batch(0)
    assert images.dtype == labels.dtype == torch.float32
    expected = cv2.resize(image[3:16, 2:10], (12, 12)).transpose(2, 0, 1)
    np.testing.assert_array_equal(images[0], expected)


def test_mirrored_or_not(folder):
    plain = _stream(folder, batch_size=1, fg_threshold=0.9, fg_fraction=1).batch(0)[0]
    stream = _stream(folder, batch_size=1, fg_threshold=0.9, fg_fraction=1, mirror=True)
    flips = [torch.equal(stream.batch(index)[0], plain.flip(3)) for index in range(40)]
    assert all(flip or torch.equal(stream.batch(i)[0], plain) for i, flip in enumerate(flips))
    assert 8 < sum(flips) < 32


def _naive(image, box, crop, pad, square, mirrored):
    """The window with its surroundings, pixel by pixel: what lies outside of the image is 0."""

    def nearest(value):
        return floor(abs(value) + 0.5) * (1 if value >= 0 else -1)

    f = np.float32
    x1, y1, x2, y2 = box
    half_w, half_h = f((x2 - x1 + 1) / 2), f((y2 - y1 + 1) / 2)
    cx, cy = f(x1) + half_w, f(y1) + half_h
    if square:
        half_w = half_h = max(half_w, half_h)
    grow = f(crop) / f(crop - 2 * pad)
    x1, x2 = nearest(cx - half_w * grow), nearest(cx + half_w * grow)
    y1, y2 = nearest(cy - half_h * grow), nearest(cy + half_h * grow)
    rx, ry = f(crop) / f(x2 - x1 + 1), f(crop) / f(y2 - y1 + 1)
    left, top = max(0, -x1), max(0, -y1)
    right, bottom = max(0, x2 - image.shape[1] + 1), max(0, y2 - image.shape[0] + 1)
    piece = image[y1 + top : y2 - bottom + 1, x1 + left : x2 - right + 1]
    width, height = nearest(f(piece.shape[1]) * rx), nearest(f(piece.shape[0]) * ry)
    out_left, out_top = nearest(f(right if mirrored else left) * rx), nearest(f(top) * ry)
    piece = cv2.resize(piece, (min(width, crop - out_left), min(height, crop - out_top)))
    piece = piece[:, ::-1] if mirrored else piece
    out = np.zeros((crop, crop, 3), np.float32)
    out[out_top : out_top + piece.shape[0], out_left : out_left + piece.shape[1]] = piece
    return out.transpose(2, 0, 1)


@pytest.mark.parametrize("square", [False, True])
@pytest.mark.parametrize("pad", [0, 1, 3])
def test_surroundings_in_proportion(tmp_path, pad, square):
    rng = np.random.default_rng(pad)
    image = rng.integers(1, 256, size=(23, 17, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    for _ in range(40):
        x1, x2 = np.sort(rng.integers(17, size=2))
        y1, y2 = np.sort(rng.integers(23, size=2))
        (tmp_path / "w.txt").write_text(f"# 0\na.png\n3\n23\n17\n1\n1 1 {x1} {y1} {x2} {y2}\n")
        crop = int(rng.integers(8, 40))
        stream = _stream(
            tmp_path, batch_size=8, fg_fraction=1, crop_size=crop, context_pad=pad, square=square
        )
        found = stream.batch(0)[0].numpy()
        if pad or square:
            expected = _naive(image, (x1, y1, x2, y2), crop, pad, square, False)
        else:
            expected = cv2.resize(image[y1 : y2 + 1, x1 : x2 + 1], (crop, crop)).transpose(2, 0, 1)
        np.testing.assert_array_equal(found, np.broadcast_to(expected, found.shape))
        stream._mirror = True
        flipped = (
            _naive(image, (x1, y1, x2, y2), crop, pad, square, True) if pad or square else expected[..., ::-1]
        )
        for drawn in stream.batch(0)[0].numpy():
            assert np.array_equal(drawn, expected) or np.array_equal(drawn, flipped)


def test_a_window_that_fits_needs_no_padding():
    fit = fit_window(np.array([4, 6, 7, 9]), (20, 20), 8, 2, False)
    assert (fit.low, fit.high, fit.before, fit.after) == ((4, 2), (12, 10), (0, 0), (0, 0))
    assert fit_window(np.array([0, 0, 3, 3]), (20, 20), 8, 0, False).size == (8, 8)


def test_mean_and_scale(folder):
    settings = {"batch_size": 1, "fg_threshold": 0.9, "fg_fraction": 1, "crop_size": 6}
    plain = _stream(folder, **settings).batch(0)[0].numpy()[0]
    values = np.float32([1, 2, 3]).reshape(3, 1, 1)
    found = _stream(folder, **settings, mean=values, scale=0.5).batch(0)[0].numpy()[0]
    np.testing.assert_array_equal(found, (plain - values) * np.float32(0.5))
    mean = np.random.default_rng(1).random((3, 9, 11), np.float32)  # the offset of the width counts for both
    found = _stream(folder, **settings, mean=mean).batch(0)[0].numpy()[0]
    np.testing.assert_array_equal(found, plain - mean[:, 2:8, 2:8])


def test_the_mean_stays_out_of_the_padding(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 8, 3), 9, np.uint8))
    (tmp_path / "w.txt").write_text("# 0\na.png\n3\n8\n8\n1\n1 1 0 0 7 7\n")
    mean = np.full((3, 1, 1), 4, np.float32)
    image = _stream(tmp_path, batch_size=1, fg_fraction=1, crop_size=16, context_pad=4, mean=mean).batch(0)[0]
    assert sorted(image.unique().tolist()) == [0, 5]
    assert (image[0, :, :3] == 0).all()


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ("# 0", "0", "expected `# index`", 1),
        ("# 1", "#", None, 0),
        ("2 0.75 4 5 12 10", "2 0.75 4 5 12", "expected a window", 7),
        ("7 0.4 1 2 3 4", "7 0.4 1 x 3 4", "expected a window", 9),
        ("7 0.4 1 2 3 4", "7 0.4 1 nan 3 4", "expected a window", 9),
        ("7 0.4 1 2 3 4\n", "", "expected a window", 9),
        ("30\n3\n", "30\n2\n", "expected `# index`", 9),
        ("16\n2\n", "16\n9\n", "expected 9 windows behind this, found 2", 15),
        ("16\n16\n2\n", "16\nx\n2\n", "a path and four numbers", 10),
        ("b.png\n3\n", "b.png\n1\n", "color images, of 3 channels", 12),
        ("2 0.75 4", "0 0.75 4", "must have a class above 0", 7),
    ],
)
def test_lines_that_are_wrong(folder, old, new, message, line):
    assert old in TEXT
    (folder / "w.txt").write_text(TEXT.replace(old, new, 1))
    if message is None:
        _stream(folder)
        return
    with pytest.raises(DataError, match=message) as caught:
        _stream(folder)
    assert caught.value.diagnostics[0].span.line == line


def test_a_file_that_ends_too_soon(folder):
    (folder / "w.txt").write_text("# 0\na.png\n3\n20\n")
    with pytest.raises(DataError, match=r"w\.txt:1:1: error: expected behind this a path and four numbers"):
        _stream(folder)


def test_no_windows_of_a_kind(folder):
    with pytest.raises(DataError, match="there are no foreground windows, but a batch has 2"):
        _stream(folder, fg_threshold=2)
    with pytest.raises(DataError, match="there are no background windows, but a batch has 6"):
        _stream(folder, bg_threshold=0)
    assert _stream(folder, bg_threshold=0, fg_fraction=1).batch(0)[1].min() > 0


def test_nothing_to_read(tmp_path):
    (tmp_path / "w.txt").write_text("\n \n")
    with pytest.raises(DataError, match="the window file is empty"):
        read_windows(tmp_path / "w.txt")
    with pytest.raises(DataError, match="cannot read the window file"):
        read_windows(tmp_path)


@pytest.mark.parametrize("pad", [0, 1])
def test_a_window_outside_of_its_image(folder, pad):
    (folder / "w.txt").write_text(TEXT.replace("3 1 2 3 9 15", "3 1 22 3 29 15"))
    stream = _stream(folder, fg_threshold=0.9, context_pad=pad)
    with pytest.raises(DataError, match=r"w\.txt:16:1: error: the window does not lie in its image"):
        stream.batch(0)


def test_an_image_that_is_not_there(folder):
    (folder / "sub dir" / "b.png").unlink()
    with pytest.raises(DataError, match=r"w\.txt:11:1: error: no such image: 'sub dir/b\.png'"):
        _stream(folder, fg_threshold=0.9).batch(0)


@pytest.mark.parametrize("shape", [(3, 9, 9), (1, 20, 20), (3, 9, 30)])
def test_a_mean_that_does_not_fit(folder, shape):
    with pytest.raises(DataError, match=r"the mean image is .*, but windows are 3x10x10"):
        _stream(folder, mean=np.zeros(shape, np.float32))
