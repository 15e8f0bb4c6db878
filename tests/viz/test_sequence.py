"""Images of a list, as a net's data layer would have made them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from netspec.errors import NetspecError
from netspec.viz.sequence import read_sequence

INPUT = 'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 6 } } }'
OTHERS = """
layer { name: "l" type: "Input" top: "label" input_param { shape { dim: 2 dim: 1 } } }
layer { name: "o" type: "Input" top: "other" input_param { shape { dim: 2 dim: 5 } } }
"""


@pytest.fixture
def track(tmp_path):
    """A list of three images; each is larger than the net takes, and of one colour."""
    colours = [(10, 20, 30), (40, 50, 60), (70, 80, 90)]
    for number, colour in enumerate(colours):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 12, 3), colour, np.uint8))
    path = tmp_path / "track.txt"
    path.write_text("".join(f"{number}.png {number + 5}\n" for number in range(3)))
    return path


def test_batches_of_images_and_labels(compile_text, track):
    net = compile_text(INPUT + OTHERS)
    (first, two), (second, one) = read_sequence(net, track).batches()
    assert (two, one) == (2, 1)
    assert {name: tuple(value.shape) for name, value in first.items()} == {
        "data": (2, 3, 4, 6),
        "label": (2, 1),
        "other": (2, 5),
    }
    assert first["data"][:, :, 0, 0].tolist() == [[10, 20, 30], [40, 50, 60]]
    assert first["label"].tolist() == [[5], [6]]
    assert second["data"][:, 0, 0, 0].tolist() == [70, 70]  # filled with the last
    assert not first["other"].any()
    assert [size for _, size in read_sequence(net, track).batches(1)] == [1]


def test_grey_images(compile_text, track):
    net = compile_text(INPUT.replace("dim: 3", "dim: 1"))
    (first, _), _ = read_sequence(net, track).batches()
    assert first["data"].shape == (2, 1, 4, 6)
    assert first["data"].min() > 10


def test_the_transform_is_the_one_that_is_told(compile_text, track):
    net = compile_text(INPUT)
    (first, _), _ = read_sequence(net, track, "scale: 0.5 mean_value: 10").batches()
    assert first["data"][0, :, 0, 0].tolist() == [0, 5, 10]


def test_or_that_of_the_data_layer(compile_text, track, monkeypatch):
    monkeypatch.chdir(track.parent)
    net = compile_text(
        'layer { name: "data" type: "ImageData" top: "data" top: "label" '
        'image_data_param { source: "track.txt" batch_size: 2 new_height: 8 new_width: 12 } '
        "transform_param { scale: 0.1 crop_size: 4 mirror: true } }"
    )
    (first, _), _ = read_sequence(net, track).batches()
    assert first["data"].shape == (2, 3, 4, 4)  # the whole image, not a piece of it
    np.testing.assert_allclose(first["data"][0, :, 0, 0], [1, 2, 3], rtol=1e-6)
    assert first["label"].tolist() == [5, 6]
    net.close()


@pytest.mark.parametrize(
    ("net", "name", "transform", "message"),
    [
        (INPUT, "none.txt", "", "none.txt: error: no such image list"),
        (INPUT.replace("dim: 3", "dim: 7"), "track.txt", "", "takes no images"),
        (INPUT, "track.txt", "scael: 2", "-transform_param:1:1: error"),
        (INPUT, "track.txt", "mean_value: 1 mean_value: 2", "mean_value"),
        (INPUT, "gone.txt", "", "no such image"),
    ],
)
def test_what_goes_wrong(compile_text, track, net, name, transform, message):
    (track.parent / "gone.txt").write_text("gone.png 1\n")
    with pytest.raises(NetspecError) as caught:
        list(read_sequence(compile_text(net), track.with_name(name), transform).batches())
    assert message in str(caught.value)
