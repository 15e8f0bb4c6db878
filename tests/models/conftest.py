"""A small stand-in for each data set that a model reads, made by the builders; and smaller batches."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from netspec.cli import main

MODELS = Path(__file__).parents[2] / "models"
DIGITS, BATCH = 24, 4
BUILDERS = (
    "mnist",
    "distorted-mnist -count {0} -test_count {0}",
    "cluttered-mnist -count {0} -test_count {0}",
    "mnist-sequence -count {0} -test_count {0}",
)


def write_digits(folder):
    """Noise in MNIST's format."""
    rng = np.random.default_rng(0)
    for half in ("train", "t10k"):
        images = rng.integers(256, size=(DIGITS, 28, 28)).astype(np.uint8)
        labels = np.arange(DIGITS, dtype=np.uint8) % 10
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            axes = b"".join(axis.to_bytes(4, "big") for axis in values.shape)
            header = bytes((0, 0, 8, values.ndim)) + axes
            (folder / f"{half}-{name}-ubyte").write_bytes(header + values.tobytes())


def write_signs(folder):
    """Traffic signs in Kaggle's layout: two tracks of a frame for each class, and a test image."""
    sign = cv2.imencode(".png", np.random.default_rng(0).integers(256, size=(9, 9, 3)).astype(np.uint8))[1]
    for list, names in {
        "Train.csv": [
            (label, f"{label:05d}_{track:05d}_00000.png") for label in range(43) for track in (0, 1)
        ],
        "Test.csv": [(7, "test.png")],
    }.items():
        rows = ["Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n"]
        for label, name in names:
            (folder / name).write_bytes(sign)
            rows.append(f"9,9,1,1,7,7,{label},{name}\n")
        (folder / list).write_text("".join(rows))


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    source = tmp_path_factory.mktemp("source")
    write_digits(source)
    write_signs(source)
    (folder / "mnist").symlink_to(source)
    for builder in BUILDERS:
        words = builder.format(DIGITS).split()
        assert main(["data", words[0], str(folder), "-source", str(source), "-any_digest", *words[1:]]) == 0
    assert main(["data", "gtsrb", str(folder), "-source", str(source)]) == 0
    assert main(["data", "documents", str(folder), "-count", str(DIGITS), "-test_count", str(DIGITS)]) == 0
    return folder


@pytest.fixture
def data(data_folder, monkeypatch):
    """The working directory: where the data sets are."""
    monkeypatch.chdir(data_folder)
    return data_folder


@pytest.fixture
def with_small_batches(tmp_path):
    """A text of a model in a copy of its folder, in which each batch is small."""

    def copy(path):
        folder = shutil.copytree(path.parent, tmp_path / path.parent.name)
        for text in folder.glob("*.prototxt"):
            small = re.sub(r"\bbatch_size: \d+", f"batch_size: {BATCH}", text.read_text())
            text.write_text(small)
        return folder / path.name

    return copy
