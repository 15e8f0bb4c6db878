import numpy as np
import pytest
from PIL import Image

from netspec.viz.pixels import blank, save_film, to_pixels, value_range, widened, write


def test_a_film_has_a_frame_for_each_picture(tmp_path):
    frames = [np.full((20, 30, 3), value, np.uint8) for value in (0, 80, 160)]
    frames[1][:10] = (255, 0, 0)  # blue, in BGR
    save_film(frames, tmp_path / "film.gif", seconds=0.5)
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (3, (30, 20), 0)
        durations = []
        for index in range(3):
            film.seek(index)
            durations.append(film.info["duration"])
            shown = np.asarray(film.convert("RGB")).astype(int)
            assert np.abs(shown[..., ::-1] - frames[index]).max() <= 8
        assert durations == [500, 500, 1500]


def test_a_film_of_one_picture(tmp_path):
    save_film([blank(4, 4)], tmp_path / "film.gif", seconds=0.1)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 1


def test_text_is_written_where_it_is_told_to_be():
    picture = blank(40, 200)
    write(picture, "über 48 → 16", (100, 20), size=14, colour="#ff0000", anchor="middle")
    inked = np.argwhere(picture[..., 0] < 128)  # where there is no blue
    assert np.all(picture[..., 2] == 255)  # red ink leaves red as it is
    (top, left), (bottom, right) = inked.min(0), inked.max(0)
    assert abs((left + right) / 2 - 100) < 3
    assert abs((top + bottom) / 2 - 20) < 4


@pytest.mark.parametrize(
    ("images", "expected"),
    [([0, 0.9], (0, 1)), ([0, 1], (0, 1)), ([0, 255], (0, 255)), ([-2, 3], (-2, 3)), ([0, 0.2], (0, 0.2))],
)
def test_what_is_black_and_white(images, expected):
    assert value_range(np.float32(images)) == pytest.approx(expected)


def test_a_blob_as_pixels():
    image = np.float32([[[0, 1]], [[0, 0]], [[0, np.nan]]])
    assert to_pixels(image, 0, 1).tolist() == [[[0, 0, 0], [255, 0, 0]]]
    assert to_pixels(np.float32([[[0, 2]], [[0, 1]]]), 0, 3).tolist() == [[[0] * 3, [128] * 3]]


def test_paper_on_the_right():
    picture = widened(np.zeros((2, 3, 3), np.uint8), 5)
    assert picture[..., 0].tolist() == [[0, 0, 0, 255, 255]] * 2
    assert widened(picture, 2).shape == picture.shape
