"""The German traffic signs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from netspec import compile_net
from netspec.data import gtsrb
from netspec.data.gtsrb import Cut, gtsrb_parts, local_contrast, read_signs
from netspec.errors import DataError

CLASSES, TRACKS, FRAMES = 3, 4, 5
OFFICIAL = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"
KAGGLE = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n"
BOX = (2, 3, 9, 8)  # left, top, right, bottom


def sign(label, track, frame):
    """An image that tells what it is of: blue, green and red in the sign's box, black around it."""
    image = np.zeros((12, 13, 3), np.uint8)
    left, top, right, bottom = BOX
    image[top : bottom + 1, left : right + 1] = 50 + 10 * label, 50 + 10 * track, 50 + 10 * frame
    return image


def encoded(kind, *what):
    return cv2.imencode(kind, sign(*what))[1].tobytes()


def write_official(folder):
    """The three archives as they are published."""
    with zipfile.ZipFile(folder / "GTSRB_Final_Training_Images.zip", "w") as file:
        for label in range(CLASSES):
            lines = [OFFICIAL]
            for track in range(TRACKS):
                for frame in range(FRAMES):
                    name = f"{track:05d}_{frame:05d}.ppm"
                    place = f"GTSRB/Final_Training/Images/{label:05d}"
                    file.writestr(f"{place}/{name}", encoded(".ppm", label, track, frame))
                    lines.append(f"{name};13;12;2;3;9;8;{label}\n")
            file.writestr(f"{place}/GT-{label:05d}.csv", "".join(lines))
    with zipfile.ZipFile(folder / "GTSRB_Final_Test_Images.zip", "w") as file:
        for number in range(2):
            file.writestr(f"GTSRB/Final_Test/Images/{number:05d}.ppm", encoded(".ppm", 1, 9, number))
        file.writestr("GTSRB/Final_Test/Images/GT-final_test.test.csv", OFFICIAL.replace(";ClassId", ""))
    with zipfile.ZipFile(folder / "GTSRB_Final_Test_GT.zip", "w") as file:
        rows = "".join(f"{number:05d}.ppm;13;12;2;3;9;8;1\n" for number in range(2))
        file.writestr("GT-final_test.csv", OFFICIAL + rows)


def write_kaggle(folder):
    rows = [KAGGLE]
    for label in range(CLASSES):
        (folder / "Train" / str(label)).mkdir(parents=True)
        for track in range(TRACKS):
            for frame in range(FRAMES):
                name = f"Train/{label}/{label:05d}_{track:05d}_{frame:05d}.png"
                (folder / name).write_bytes(encoded(".png", label, track, frame))
                rows.append(f"13,12,2,3,9,8,{label},{name}\n")
    (folder / "Train.csv").write_text("".join(rows))
    (folder / "Test").mkdir()
    rows = [KAGGLE]
    for number in range(2):
        (folder / f"Test/{number:05d}.png").write_bytes(encoded(".png", 1, 9, number))
        rows.append(f"13,12,2,3,9,8,1,Test/{number:05d}.png\n")
    (folder / "Test.csv").write_text("".join(rows))


def write_packed_kaggle(folder):
    (folder / "unpacked").mkdir()
    write_kaggle(folder / "unpacked")
    with zipfile.ZipFile(folder / "archive.zip", "w") as file:
        for path in sorted((folder / "unpacked").rglob("*.*")):
            file.write(path, path.relative_to(folder / "unpacked"))
            path.unlink()


def write_unpacked_official(folder):
    write_official(folder)
    for path in folder.glob("*.zip"):
        with zipfile.ZipFile(path) as file:
            file.extractall(folder)
        path.unlink()


def write_mosaics(folder):
    what = [(a, b, c) for a in range(CLASSES) for b in range(TRACKS) for c in range(FRAMES)]
    mosaic = np.zeros((2048, 2048, 3), np.uint8)
    for number, one in enumerate(what):
        tile = mosaic[:32, 32 * number : 32 * number + 32]
        tile[:] = cv2.resize(sign(*one)[BOX[1] : BOX[3] + 1, BOX[0] : BOX[2] + 1], (32, 32))
    (folder / "train_00.jpg").write_bytes(cv2.imencode(".jpg", mosaic, [cv2.IMWRITE_JPEG_QUALITY, 100])[1])
    labels, *tracks = np.array(what).T
    np.savez(folder / "train_labels.npz", label=labels.astype(np.uint8), track=np.stack(tracks, 1))


LAYOUTS = [write_official, write_unpacked_official, write_kaggle, write_packed_kaggle]


@pytest.mark.parametrize("write", LAYOUTS)
def test_layouts(tmp_path, write):
    write(tmp_path)
    train, test = read_signs(tmp_path)
    assert [(s.label, s.track) for s in train[::FRAMES]] == [
        (label, track) for label in range(CLASSES) for track in range(TRACKS)
    ]
    assert len(train) == CLASSES * TRACKS * FRAMES
    assert {s.box for s in (*train, *test)} == {BOX}
    np.testing.assert_array_equal(train[27].read(), sign(1, 1, 2))
    assert [s.label for s in test] == [1, 1]
    np.testing.assert_array_equal(test[1].read(), sign(1, 9, 1))


def test_mosaics(tmp_path):
    write_mosaics(tmp_path)
    train, test = read_signs(tmp_path)
    assert (len(train), test) == (60, [])
    assert (train[27].label, train[27].track, train[27].box) == (1, 1, None)
    assert np.abs(train[27].read().astype(int) - [60, 60, 70]).max() <= 3
    with pytest.raises(DataError, match="without the boxes of their signs"):
        gtsrb_parts(train, test, Cut(roi=True))


def test_validation_takes_whole_tracks(tmp_path):
    write_official(tmp_path)
    train, test = read_signs(tmp_path)
    parts = gtsrb_parts(train, test, Cut(size=6, roi=True), validation=2, seed=5)
    assert {part.name: part.count for part in parts} == {
        "gtsrb_train": 30, "gtsrb_validation": 30, "gtsrb_test": 2
    }  # fmt: skip
    seen = {}
    for part in parts[:2]:
        for number in range(part.count):
            example = part.make(number)
            assert example.image.shape == (6, 6, 3)
            (colour,) = {tuple(pixel) for pixel in example.image.reshape(-1, 3).tolist()}
            assert colour[0] == 50 + 10 * example.label
            seen.setdefault(colour[:2], []).append(part.name)
    assert len(seen) == CLASSES * TRACKS
    assert all(len(names) == FRAMES and len(set(names)) == 1 for names in seen.values())
    labels = [parts[0].make(number).label for number in range(30)]
    assert labels != sorted(labels)
    other = gtsrb_parts(train, test, Cut(), validation=2, seed=6)
    assert other[0].recipe["images"] != parts[0].recipe["images"]


def test_frames_are_whole_without_roi(tmp_path):
    write_kaggle(tmp_path)
    train, test = read_signs(tmp_path)
    part = gtsrb_parts(train, test, Cut(size=24), validation=0)[0]
    assert part.count == 60
    image = part.make(0).image
    assert image.shape == (24, 24, 3)
    assert not image[0].any()


def test_too_few_tracks(tmp_path):
    write_kaggle(tmp_path)
    with pytest.raises(DataError, match="class 0 has 4 tracks, 4 of which cannot be for validation"):
        gtsrb_parts(*read_signs(tmp_path), Cut(), validation=4)


def test_normalised_by_the_training_part(tmp_path):
    write_kaggle(tmp_path)
    train, test = read_signs(tmp_path)
    raw, level = (gtsrb_parts(train, test, Cut(8, normalize=how)) for how in ("none", "global"))
    before = np.stack([raw[0].make(n).image for n in range(raw[0].count)]).astype(np.float64)
    after = np.stack([level[0].make(n).image for n in range(raw[0].count)])
    assert after.dtype == np.float32
    np.testing.assert_allclose(after.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(after.std((0, 1, 2)), 1, atol=1e-4)
    mean, deviation = before.mean((0, 1, 2)), before.std((0, 1, 2))
    expected = (raw[2].make(0).image - mean) / deviation
    np.testing.assert_allclose(level[2].make(0).image, expected, rtol=1e-4, atol=1e-4)
    local = gtsrb_parts(train, test, Cut(8, normalize="local"))
    np.testing.assert_array_equal(local[0].make(3).image, local_contrast(level[0].make(3).image))


def test_local_contrast_is_the_layers(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 3, 20, 16] } } }\n'
        'layer { name: "lcn" type: "ContrastiveNormalization" bottom: "x" top: "y"\n'
        "  contrastive_normalization_param { kernel: GAUSSIAN kernel_size: 7 } }\n"
    )
    image = np.random.default_rng(0).normal(size=(20, 16, 3)).astype(np.float32)
    x = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    expected = compile_net(tmp_path / "net.prototxt")(x=x)["y"][0].numpy().transpose(1, 2, 0)
    np.testing.assert_allclose(local_contrast(image), expected, rtol=1e-4, atol=1e-5)


# Bad input ------------------------------------------------------------------------------------------------


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match="no such folder or archive"):
        read_signs(tmp_path / "nowhere")
    with pytest.raises(
        DataError, match=r"there are no traffic signs here\n.*GTSRB_Final_.*Train.csv.*mosaics"
    ):
        read_signs(tmp_path)


def edit(path, old, new):
    path.write_text(path.read_text().replace(old, new, 1))


def test_broken_lists(tmp_path):
    write_kaggle(tmp_path)
    path = tmp_path / "Train.csv"
    edit(path, "\n13,12,2,3,9,8,0", "\n13,12,2,3,nine,8,0")
    with pytest.raises(DataError, match=r"Train.csv:2:1: error: expected a line of numbers"):
        read_signs(tmp_path)
    edit(path, "nine", "1")
    with pytest.raises(DataError, match=r"Train.csv:2:1: error: expected a class of at least 0, and a box"):
        read_signs(tmp_path)
    edit(path, "ClassId", "Class")
    with pytest.raises(DataError, match=r"Train.csv:1:1: error: expected the columns ClassId too, with ','"):
        read_signs(tmp_path)


def test_missing_and_broken_images(tmp_path):
    write_kaggle(tmp_path)
    first, second = sorted((tmp_path / "Train" / "0").iterdir())[:2]
    first.unlink()
    second.write_bytes(second.read_bytes()[:-20])
    train, _ = read_signs(tmp_path)
    with pytest.raises(
        DataError, match=r"Train.csv:2:1: error: cannot read image .*: cannot be read: No such"
    ):
        train[0].read()
    with pytest.raises(DataError, match=r"Train.csv:3:1: error: cannot read image"):
        train[1].read()


def test_broken_mosaics(tmp_path):
    write_mosaics(tmp_path)
    (tmp_path / "train_00.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((40, 2048, 3), np.uint8))[1])
    train, _ = read_signs(tmp_path)
    train[0].read()
    gtsrb._decoded.cache_clear()
    (tmp_path / "train_00.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"train_00.jpg: error: is no image"):
        train[0].read()
    (tmp_path / "train_00.jpg").unlink()
    with pytest.raises(DataError, match=r"train_00.jpg: error: cannot be read: No such file"):
        train[0].read()
    (tmp_path / "train_labels.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"train_labels.npz: error: expected the arrays label"):
        read_signs(tmp_path)


def test_the_shared_mosaics():
    folder = Path(__file__).parents[3] / "shared" / "gtsrb"
    if not folder.is_dir():
        pytest.skip("the mosaics are not beside the repository")
    train, test = read_signs(folder)
    parts = gtsrb_parts(train, test, Cut())
    assert {part.name: part.count for part in parts} == {"gtsrb_train": 37919, "gtsrb_validation": 1290}
    assert parts[1].make(1289).image.shape == (48, 48, 3)
    assert parts[1].make(1289).label == 42
