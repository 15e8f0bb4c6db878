import pickle
import struct
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from netspec.data.digits import ClutteredDigits
from netspec.errors import DataError

MNIST = Path(__file__).parents[3] / "shared" / "mnist"


def bare(**settings):
    """Digits without clutter, so that all the ink is theirs."""
    return ClutteredDigits(**{"batch_size": 32, "clutter": 0, **settings})


def ink_box(image):
    """Top, bottom, left, right (exclusive) of what is at least half inked."""
    rows, columns = (image >= 0.5).any(dim=1).nonzero(), (image >= 0.5).any(dim=0).nonzero()
    return rows[0].item(), rows[-1].item() + 1, columns[0].item(), columns[-1].item() + 1


def test_shapes_types_and_ranges():
    stream = ClutteredDigits(batch_size=5, height=30, width=50)
    data, label = stream.batch(0)
    assert stream.shapes == ((5, 1, 30, 50), (5,)) == (tuple(data.shape), tuple(label.shape))
    assert data.dtype == label.dtype == torch.float32
    assert data.min() == 0
    assert data.max() == 1
    assert set(label.tolist()) <= set(range(10))


def test_a_batch_is_a_function_of_settings_seed_and_index():
    one, other = ClutteredDigits(batch_size=4, seed=7), ClutteredDigits(batch_size=4, seed=7)
    forward = [one.batch(i) for i in range(5)]
    with ThreadPoolExecutor(3) as pool:
        backward = list(pool.map(other.batch, reversed(range(5))))[::-1]
    for a, b in zip(forward, backward, strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])
    assert not torch.equal(forward[0][0], forward[1][0])


def test_a_pickled_stream_goes_on_alike():
    stream = ClutteredDigits(batch_size=4)
    assert torch.equal(pickle.loads(pickle.dumps(stream)).batch(3)[0], stream.batch(3)[0])


@pytest.mark.parametrize("seed", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_any_seed_is_a_series_of_its_own(seed):
    data, _ = ClutteredDigits(batch_size=4, seed=seed).batch(0)
    assert not torch.equal(data, ClutteredDigits(batch_size=4, seed=2).batch(0)[0])


def test_train_and_test_share_no_image():
    series = [ClutteredDigits(batch_size=64, clutter=0, train=train) for train in (True, False)]
    train, test = ({image.numpy().tobytes() for i in range(8) for image in s.batch(i)[0]} for s in series)
    assert len(train) == len(test) == 8 * 64
    assert not train & test


def test_all_classes_are_equally_frequent():
    labels = torch.cat([ClutteredDigits(batch_size=500, clutter=0).batch(i)[1] for i in range(4)])
    counts = torch.bincount(labels.long(), minlength=10)
    assert (counts > 150).all()
    assert (counts < 250).all()


def test_the_images_show_their_labels():
    """A nearest-mean classifier of training draws reads other digits far better than by chance."""
    placed = {"translation": 0, "digit_size": 24, "height": 28, "width": 28, "batch_size": 500}
    x, y = bare(**placed).batch(0)
    means = torch.stack([x[y == digit].mean(dim=0).flatten() for digit in range(10)])
    x, y = bare(train=False, **placed).batch(0)
    assert (torch.cdist(x.flatten(1), means).argmin(dim=1) == y).float().mean() > 0.75


def test_a_digit_of_scale_1_fills_its_box():
    for image in bare(translation=0, digit_size=24).batch(0)[0]:
        top, bottom, left, right = ink_box(image[0])
        assert max(bottom - top, right - left) == pytest.approx(24, abs=2.5)
        assert (top + bottom) / 2 == pytest.approx(20, abs=1)
        assert (left + right) / 2 == pytest.approx(20, abs=1)


def test_scale_and_rotation():
    upright, lying = bare(translation=0, min_scale=0.5, max_scale=0.5), bare(translation=0, rotation=180)
    heights = torch.tensor([ink_box(image[0]) for image in upright.batch(0)[0]])
    assert (heights[:, 1] - heights[:, 0]).max() <= 13
    wide = [right - left > bottom - top for top, bottom, left, right in map(ink_box, lying.batch(0)[0][:, 0])]
    assert 0 < sum(wide) < len(wide)


@pytest.mark.parametrize(
    "settings", [{}, {"rotation": 45}, {"height": 60}, {"digit_size": 38, "min_scale": 0.3}]
)
def test_negative_translation_reaches_everywhere_and_keeps_the_digit_inside(settings):
    data, _ = bare(batch_size=200, **{"digit_size": 20, **settings}).batch(0)
    free = bare(batch_size=200, **{"digit_size": 20, **settings, "height": 200, "width": 200}).batch(0)[0]
    ink = data.sum(dim=(1, 2, 3))
    assert torch.allclose(ink, free.sum(dim=(1, 2, 3)), rtol=0.08)  # nothing is cut off
    boxes = torch.tensor([ink_box(image[0]) for image in data])
    height, width = data.shape[2:]
    assert boxes[:, 0].min() <= 3
    assert boxes[:, 1].max() >= height - 3
    assert boxes[:, 2].min() <= 3
    assert boxes[:, 3].max() >= width - 3


def test_positive_translation_is_the_largest_shift_from_the_centre():
    boxes = torch.tensor(
        [ink_box(image[0]) for image in bare(batch_size=300, translation=6, digit_size=16).batch(0)[0]]
    )
    for low, high in ((0, 1), (2, 3)):
        shift = (boxes[:, low] + boxes[:, high]) / 2 - 20
        assert 5 < shift.abs().max() <= 7


def test_clutter_adds_ink_piece_by_piece():
    ink = [ClutteredDigits(clutter=n).batch(0)[0] for n in (0, 1, 4, 16)]
    for fewer, more in pairwise(ink):
        assert more.mean() > fewer.mean()
    one = ink[1] - ink[0]
    assert (one >= 0).all()  # pasted over the same digits, and nothing is wiped out
    assert (one > 0).sum(dim=(1, 2, 3)).max() <= 6 * 6
    for image in one[:, 0]:
        rows, columns = (image > 0).any(dim=1).nonzero(), (image > 0).any(dim=0).nonzero()
        assert not len(rows) or max(rows[-1] - rows[0], columns[-1] - columns[0]) < 6


def test_several_digits_stand_side_by_side():
    stream = bare(digits=3, width=110, digit_size=24, batch_size=64)
    data, label = stream.batch(0)
    assert stream.shapes == ((64, 1, 40, 110), (64, 3)) == (tuple(data.shape), tuple(label.shape))
    single = torch.stack([bare(batch_size=400, digit_size=24, translation=0).batch(0)[0].mean()]) * 40 * 40
    assert data.sum(dim=(1, 2, 3)).mean() == pytest.approx(
        3 * single.item(), rel=0.05
    )  # so they do not overlap


def test_labels_are_in_the_order_of_the_digits():
    """The leftmost third of evenly spaced digits is read with the means of single ones."""
    settings = {"digit_size": 24, "translation": 0, "batch_size": 500}
    x, y = bare(height=28, width=28, **settings).batch(0)
    means = torch.stack([x[y == digit].mean(dim=0).flatten() for digit in range(10)])
    data, label = bare(height=28, width=84, digits=3, **settings).batch(1)
    for place in range(3):
        third = data[:, 0, :, 28 * place : 28 * (place + 1)].reshape(500, -1)
        assert (torch.cdist(third, means).argmin(dim=1) == label[:, place]).float().mean() > 0.4


def test_crowded_digits_overlap_but_are_all_there():
    data, label = bare(digits=4, width=40, digit_size=24).batch(0)
    assert label.shape == (32, 4)
    assert data.mean() > bare(width=40, digit_size=24).batch(0)[0].mean() * 1.5


def write_mnist(folder):
    """Ten training and ten test digits: a bar whose length is the class, at another row in each half."""
    for half, row in (("train", 4), ("t10k", 20)):
        images = np.zeros((10, 28, 28), np.uint8)
        for digit in range(10):
            images[digit, row : row + 2, 3 : 5 + 2 * digit] = 255
        header = bytes((0, 0, 8, 3)) + struct.pack(">3I", *images.shape)
        (folder / f"{half}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        labels = bytes((0, 0, 8, 1)) + struct.pack(">I", 10) + bytes(range(10))
        (folder / f"{half}-labels-idx1-ubyte").write_bytes(labels)


def test_scanned_digits_are_centred_by_their_ink_and_fill_the_box(tmp_path):
    write_mnist(tmp_path)
    data, label = bare(source=tmp_path, translation=0, digit_size=20).batch(0)
    for image, digit in zip(data[:, 0], label.tolist(), strict=True):
        top, bottom, left, right = ink_box(image)
        assert right - left == pytest.approx(20, abs=1)
        assert bottom - top == pytest.approx(20 * 2 / (2 + 2 * digit), abs=1)
        assert (top + bottom, left + right) == pytest.approx((40, 40), abs=1)


def test_scans_may_come_from_a_path_given_as_text(tmp_path):
    write_mnist(tmp_path)
    assert torch.equal(bare(source=str(tmp_path)).batch(0)[0], bare(source=tmp_path).batch(0)[0])


def test_mnist_itself():
    if not MNIST.is_dir():
        pytest.skip("MNIST's files are not beside the repository")
    stream = ClutteredDigits(source=MNIST, train=False, batch_size=16, rotation=30)
    data, label = stream.batch(0)
    assert torch.equal(data, stream.batch(0)[0])
    assert data.shape == (16, 1, 40, 40)
    assert len(label.unique()) > 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "expected batch_size > 0, found 0"),
        ({"digits": 0}, "expected digits > 0, found 0"),
        ({"digit_size": 0}, "expected digit_size > 0, found 0"),
        ({"min_scale": 0}, "expected 0 < min_scale <= max_scale, found 0 and 1"),
        ({"min_scale": 2}, "expected 0 < min_scale <= max_scale, found 2 and 1"),
        ({"digit_size": 41}, "a digit of 41 pixels .* does not fit into an image of 40 x 40"),
        ({"max_scale": 2}, "a digit of 48 pixels .* does not fit"),
        ({"width": 20}, "does not fit into an image of 40 x 20"),
        ({"translation": 21}, "a translation of 21 pixels moves a digit out of an image of 40 x 40"),
        ({"clutter_size": 25}, r"clutter_size <= 24 \(digit_size\), found 25"),
        ({"clutter_size": 0}, "found 0"),
    ],
)
def test_an_impossible_geometry_says_what_is_wrong(settings, message):
    with pytest.raises(DataError, match=message) as caught:
        ClutteredDigits(**settings)
    assert caught.value.diagnostics[0].help is not None


def test_a_source_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="expected the file 'train-images-idx3-ubyte'") as caught:
        ClutteredDigits(source=tmp_path)
    assert caught.value.diagnostics[0].file == str(tmp_path)
