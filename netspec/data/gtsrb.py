"""The German traffic signs as data layers read them, from any of the forms in which they go round.

Stallkamp et al., "Man vs. computer: benchmarking machine learning algorithms for traffic sign recognition",
2012; https://benchmark.ini.rub.de. 43 classes; the training images come as tracks, 30 frames of one sign, of
which neighbours look alike: validation takes whole tracks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.data.download import download
from netspec.data.file_trees import Files, open_trees, verify_md5
from netspec.data.images import decode, resized
from netspec.data.parts import Example, Part, make_folder
from netspec.errors import DataError
from netspec.text.source import Source, Span

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]
Normalize = Literal["none", "global", "local"]

MIRRORS = (
    "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/",
    "https://benchmark.ini.rub.de/Dataset/",
)
_TRAINING = "GTSRB_Final_Training_Images.zip"
_MD5 = {
    _TRAINING: "f33fd80ac59bff73c82d25ab499e03a3",
    "GTSRB_Final_Test_Images.zip": "c7e4e6327067d32654124b0fe9e82185",
    "GTSRB_Final_Test_GT.zip": "fe31e9c9270bbcd7b84b7f21a9d9d9e5",
}
_ALSO_MD5 = {"GTSRB-Training_fixed.zip": "513f3c79a4c5141765e10e952eaa2478"}  # the training images once more

_CLASS_LIST = re.compile(r"(.*/)?GT-\d{5}\.csv")
_TEST_LIST = "GT-final_test.csv"
_BOX = ("Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2")
_TILE, _TILES, _MOSAIC = 32, 64, 4096  # a mosaic's tiles: pixels, in a row, in all
_SPLIT, _SHUFFLE = 0, 1  # the second of the numbers that seed a random stream
_NEIGHBOURHOOD, _SIGMA, _THRESHOLD = 7, 0.25, 1e-4  # of local normalisation


@dataclass(frozen=True, slots=True)
class Sign:
    """One image: its class, which track it is a frame of, and the sign's box in it, (left, top, right,
    bottom), ends included. ``read`` gives the image (H, W, 3), BGR, or raises a DataError."""

    label: int
    track: int
    box: Box | None
    read: Callable[[], Bytes]


@dataclass(frozen=True, slots=True)
class Cut:
    """How an image becomes an example.

    Attributes:
        size: its height and width.
        roi: whether only the sign's box is shown, not all of the frame.
        normalize: "global": each channel less its mean, by its deviation, both over the training part; or
            "local": then contrast by the neighbourhood too, as ContrastiveNormalization does with a kernel
            GAUSSIAN of 7.
    """

    size: int = 48
    roi: bool = False
    normalize: Normalize = "none"


# Where they come from -------------------------------------------------------------------------------------


def fetch_gtsrb(folder: Path, mirrors: Iterable[str] = MIRRORS) -> None:
    """Downloads those of the three official archives that are not in ``folder`` yet.

    Raises:
        DataError: no mirror has an archive, or has the right one.
    """
    make_folder(folder)
    for name in _MD5:
        urls = [f"{mirror}{name}" for mirror in mirrors]

        def check(path: Path, name: str = name) -> None:
            verify_md5(path, {path.name: _MD5[name]}, "")

        download(folder / name, urls, check)


def verify_gtsrb(source: Path) -> None:
    """Makes sure that the official archives in ``source``, or the one that it is, are as published.

    Raises:
        DataError: one has another content.
    """
    digests = {**_MD5, **_ALSO_MD5}
    for path in [source] if source.is_file() else [source / name for name in digests]:
        if path.is_file():
            verify_md5(path, digests, "fetch the file again; to take it as it is, give -any_digest")


def read_signs(source: Path) -> tuple[list[Sign], list[Sign]]:
    """The training and the test images of ``source``; the latter may be missing.

    Known are the official archives, packed or not; Kaggle's layout, Train.csv and Test.csv with the folders
    that they name, packed or not; and mosaics of 32x32 tiles, train_KK.jpg with train_labels.npz.

    Raises:
        DataError: there are no training images, or a list or archive is broken.
    """
    if (source / "train_labels.npz").is_file():
        return _read_mosaics(source), []
    trees = open_trees(source)
    train = next((signs for tree in trees if (signs := _read_training(tree))), None)
    if train is None:
        help = (
            "expected the official archives (GTSRB_Final_*.zip), Kaggle's files (Train.csv, Test.csv), or "
            "mosaics (train_labels.npz, train_00.jpg, ...)"
        )
        raise DataError.at("there are no traffic signs here", file=str(source), help=help)
    return train, next((signs for tree in trees if (signs := _read_test(tree, trees))), [])


def _read_training(tree: Files) -> list[Sign]:
    lists = [name for name in tree.find(".csv") if _CLASS_LIST.fullmatch(name) and "Online-Test" not in name]
    signs = [sign for name in lists for sign in _read_list(tree, name, ";", "Filename")]
    for name in () if signs else _named(tree, "Train.csv"):
        signs += _read_list(tree, name, ",", "Path")
    return signs


def _read_test(tree: Files, trees: Sequence[Files]) -> list[Sign]:
    for name in _named(tree, "Test.csv"):
        return list(_read_list(tree, name, ",", "Path"))
    for name in _named(tree, _TEST_LIST):
        return list(_read_list(tree, name, ";", "Filename", _test_images(trees)))
    return []


def _named(tree: Files, name: str) -> Iterator[str]:
    return (found for found in tree.find(name) if found.rpartition("/")[2] == name)


def _test_images(trees: Sequence[Files]) -> tuple[Files, str] | None:
    """The folder of the official test images, which come without their classes, and the tree it is in."""
    for tree in trees:
        for name in tree.find("Final_Test/Images/00000.ppm"):
            return tree, name.removesuffix("00000.ppm")
    return None


def _read_list(
    tree: Files, name: str, delimiter: str, column: str, images: tuple[Files, str] | None = None
) -> Iterator[Sign]:
    """The images that a list names; beside it, unless ``images`` says where."""
    text = tree.read(name).decode("utf-8-sig", errors="replace")
    source = Source(tree.place(name), text)
    owner, folder = images or (tree, name[: len(name) - len(name.rpartition("/")[2])])
    head, start = text.split("\n", 1)[0], 0
    columns = {title: at for at, title in enumerate(head.strip().split(delimiter))}
    if missing := [title for title in ("ClassId", column, *_BOX) if title not in columns]:
        message = f"expected the columns {', '.join(missing)} too, with '{delimiter}' between them"
        raise DataError.at(message, Span(source, 0, len(head.rstrip())))
    for line in text.splitlines(keepends=True):
        span = Span(source, start, start + len(line.rstrip()))
        start += len(line)
        if span.start and line.strip():
            fields = line.strip().split(delimiter)
            try:
                label, *box = (int(fields[columns[title]]) for title in ("ClassId", *_BOX))
                file = fields[columns[column]]
                track = int((re.findall(r"(\d+)_\d+\.\w+$", file) or ["0"])[0])
            except (ValueError, IndexError) as error:
                raise DataError.at("expected a line of numbers, and the name of an image", span) from error
            if label < 0 or not (0 <= box[0] <= box[2] and 0 <= box[1] <= box[3]):
                raise DataError.at("expected a class of at least 0, and a box that is not empty", span)
            yield Sign(
                label,
                track,
                (box[0], box[1], box[2], box[3]),
                partial(_read_image, owner, folder + file, span),
            )


def _read_image(tree: Files, name: str, span: Span) -> Bytes:
    try:
        image = decode(np.frombuffer(tree.read(name), np.uint8), cv2.IMREAD_COLOR)
    except DataError as error:
        message = f"cannot read image '{tree.place(name)}': {error.diagnostics[0].message}"
        raise DataError.at(message, span, help=error.diagnostics[0].help) from error
    if image is None:
        help = "the file is there, but holds no image that OpenCV can decode"
        raise DataError.at(f"cannot read image '{tree.place(name)}'", span, help=help)
    return image


def _read_mosaics(source: Path) -> list[Sign]:
    path = source / "train_labels.npz"
    try:
        with np.load(path) as file:
            labels, tracks = file["label"].astype(int), file["track"].astype(int)
        pairs = list(zip(labels.tolist(), tracks[:, 0].tolist(), strict=True))
    except (OSError, ValueError, KeyError, IndexError, EOFError, RuntimeError) as error:
        message = f"expected the arrays label (N,) and track (N, 2): {error}"
        raise DataError.at(message, file=str(path)) from error
    return [Sign(label, track, None, partial(_tile, source, n)) for n, (label, track) in enumerate(pairs)]


def _tile(source: Path, number: int) -> Bytes:
    mosaic, place = divmod(number, _MOSAIC)
    path = source / f"train_{mosaic:02d}.jpg"
    top, left = (_TILE * at for at in divmod(place, _TILES))
    tile = _mosaic(path)[top : top + _TILE, left : left + _TILE]
    if tile.shape != (_TILE, _TILE, 3):
        message = f"expected {_TILES} tiles of {_TILE}x{_TILE} a row, and tile {place} among them"
        raise DataError.at(message, file=str(path))
    return tile


_reading = Lock()


def _mosaic(path: Path) -> Bytes:
    with _reading:  # a mosaic is decoded once, not by each thread
        return _decoded(path)


@lru_cache(maxsize=16)
def _decoded(path: Path) -> Bytes:
    try:
        image = decode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except OSError as error:
        raise DataError.at(f"cannot be read: {error.strerror}", file=str(path)) from error
    if image is None:
        raise DataError.at("is no image that OpenCV can decode", file=str(path), help="it may be cut short")
    return image


# What becomes of them -------------------------------------------------------------------------------------


def gtsrb_parts(
    train: Sequence[Sign], test: Sequence[Sign], cut: Cut, *, validation: int = 1, seed: int = 0
) -> list[Part]:
    """The parts gtsrb_train, gtsrb_validation and gtsrb_test; without those that have no images.

    The training images come in a random order; the others in theirs.

    Args:
        validation: how many tracks of each class are for validation, none of whose frames is trained on.

    Raises:
        DataError: a class has no more tracks than that, or boxes are asked for where there are none.
    """
    if cut.roi and any(sign.box is None for sign in (*train, *test)):
        message = "these images come without the boxes of their signs"
        raise DataError.at(message, help="leave -roi out, or take the official archives")
    held = _held_back(train, validation, seed)
    kept = [sign for sign in train if (sign.label, sign.track) not in held]
    order = np.random.default_rng((seed % 2**64, _SHUFFLE)).permutation(len(kept))
    halves = {
        "train": [kept[place] for place in order],
        "validation": [sign for sign in train if (sign.label, sign.track) in held],
        "test": list(test),
    }
    level = _Level(halves["train"], cut)
    recipe = {
        "size": cut.size,
        "roi": cut.roi,
        "normalize": cut.normalize,
        "validation": validation,
        "seed": seed,
    }
    return [
        _part(name, signs, cut, level, {"count": len(signs), "images": _digest(signs), **recipe})
        for name, signs in halves.items()
        if signs
    ]


def _held_back(signs: Sequence[Sign], count: int, seed: int) -> set[tuple[int, int]]:
    """Some tracks of each class, drawn at random: pairs of class and track."""
    tracks: dict[int, list[int]] = {}
    for label, track in sorted({(sign.label, sign.track) for sign in signs}):
        tracks.setdefault(label, []).append(track)
    held = set()
    for label, own in tracks.items():
        if len(own) <= count:
            message = f"class {label} has {len(own)} tracks, {count} of which cannot be for validation"
            raise DataError.at(message, help="-validation takes a smaller number, and 0 for none")
        rng = np.random.default_rng((seed % 2**64, _SPLIT, label))
        held |= {(label, own[place]) for place in rng.permutation(len(own))[:count]}
    return held


def _digest(signs: Iterable[Sign]) -> str:
    return sha256(repr([(sign.label, sign.track, sign.box) for sign in signs]).encode()).hexdigest()[:16]


def _part(name: str, signs: Sequence[Sign], cut: Cut, level: _Level, recipe: dict[str, object]) -> Part:
    def make(number: int) -> Example:
        image = _cut(signs[number], cut)
        return Example(image if cut.normalize == "none" else level(image), signs[number].label)

    return Part(f"gtsrb_{name}", len(signs), make, recipe)


def _cut(sign: Sign, cut: Cut) -> Bytes:
    image = sign.read()
    if cut.roi and sign.box is not None:
        left, top, right, bottom = sign.box
        image = image[top : bottom + 1, left : right + 1]
        if not image.size:
            raise DataError.at(f"the box {sign.box} lies outside an image of its class, {sign.label}")
    return resized(image, (cut.size, cut.size))


class _Level:
    """Normalises images by the mean and the deviation of each channel over the training images, which are
    read for it once, when the first is asked for."""

    def __init__(self, signs: Sequence[Sign], cut: Cut) -> None:
        self._signs, self._cut = signs, cut
        self._found: tuple[Floats, Floats] | None = None
        self._measuring = Lock()

    def __call__(self, image: Bytes) -> Floats:
        with self._measuring:
            self._found = self._found or self._measure()
        mean, deviation = self._found
        level = (image.astype(np.float32) - mean) / deviation
        return local_contrast(level) if self._cut.normalize == "local" else level

    def _measure(self) -> tuple[Floats, Floats]:
        sums, squares = np.zeros(3), np.zeros(3)
        for sign in self._signs:
            pixels = _cut(sign, self._cut).reshape(-1, 3).astype(np.float64)
            sums += pixels.mean(0)
            squares += np.square(pixels).mean(0)
        mean = sums / len(self._signs)
        deviation = np.sqrt(squares / len(self._signs) - np.square(mean))
        return mean.astype(np.float32), deviation.clip(min=1e-6).astype(np.float32)


def local_contrast(image: Floats) -> Floats:
    """An image (H, W, C) less the mean of each pixel's neighbourhood, by the deviation there; the layer
    ContrastiveNormalization says how, and with a Gaussian kernel of 7 gives the same."""
    steps = np.arange(_NEIGHBOURHOOD) - (_NEIGHBOURHOOD - 1) / 2
    taps = np.exp(-np.square(steps / (_SIGMA * _NEIGHBOURHOOD)) / 2)
    taps = (taps / taps.sum()).astype(np.float32)

    def spread(plane: Floats) -> Floats:
        blurred = cv2.sepFilter2D(plane, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(blurred, np.float32)[:, :, None]

    inside = spread(np.ones(image.shape[:2], np.float32))
    centred = image - spread(image.mean(2)) / inside
    deviation = np.sqrt(spread(np.square(centred).mean(2))) / inside
    return np.asarray(centred / np.maximum(deviation, np.float32(_THRESHOLD)), np.float32)
