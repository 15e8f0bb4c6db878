"""Images named by a list, as the records of a database: what Caffe's convert_imageset makes of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from netspec.data.database import Record
from netspec.data.image_list import Listing
from netspec.data.images import Bytes, ImageFiles, decode, resized
from netspec.data.order import Order
from netspec.data.ordered import in_order
from netspec.data.text_list import SHOWN
from netspec.errors import DataError
from netspec.schema.messages import Datum
from netspec.text.diagnostic import Diagnostic
from netspec.text.source import Span

_RUNS = 50  # of lines of which a message names no more
_LABELS = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """How an image becomes a record.

    Attributes:
        color: three channels, BGR; otherwise one.
        size: height and width to which images are resized; zeros keep theirs.
        encoded: the record holds the content of an image file instead of the pixels.
        encode_type: of which type ("png", "jpg", ...); without it, of the type that the name's suffix tells.
        check_size: all images must have one size.
    """

    color: bool = True
    size: tuple[int, int] = (0, 0)
    encoded: bool = False
    encode_type: str = ""
    check_size: bool = False


class ImageSet:
    """The records of the images of a list, in its order or shuffled: keys `<number>_<name>`, values Datum.

    An image that cannot be read is an error, or is left out where ``skip_bad`` is set; then its number is
    left out too. Files are read and decoded in threads; the order does not depend on how many there are.

    Args:
        root: put in front of each name; a folder does not need its last slash.
        seed: what the order is drawn from, if the list is shuffled.
        heard: is told what there is to remark on each image that is left out.

    Raises:
        DataError: there is no such folder. While the records are drawn, behind the last of them: images are
            missing, broken, not of one size, or there is none; all are named.
    """

    def __init__(
        self,
        listing: Listing,
        root: str,
        settings: ImageSettings,
        *,
        shuffle: bool = False,
        seed: int = 0,
        skip_bad: bool = False,
        workers: int = 1,
        heard: Callable[[DataError], None] = lambda _: None,
    ) -> None:
        self._listing, self._settings = listing, settings
        self._root = _folder(root)
        self._files = ImageFiles([], root=self._root)
        self._lines = Order(len(listing.names), seed=seed, shuffle=shuffle).of_epoch(0).tolist()
        self._skip_bad, self._workers, self._heard = skip_bad, workers, heard
        self._first: tuple[int, tuple[int, ...]] | None = None  # the line and the shape of the first image
        self.sizes_differ = False

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Record | None]:
        """A record for each image, or None for one that cannot be read."""
        wrong: list[tuple[int, DataError]] = []
        numbered = enumerate(self._lines)
        for line, made in zip(self._lines, in_order(self._record, numbered, self._workers), strict=True):
            try:
                record, shape = made.result()
                self._compare(line, shape)
            except DataError as error:
                if self._skip_bad:
                    self._heard(error)
                wrong.append((line, error))
                yield None
                continue
            yield record
        if wrong and (not self._skip_bad or len(wrong) == len(self)):
            raise self._all(wrong)

    def _record(self, numbered: tuple[int, int]) -> tuple[Record, tuple[int, ...]]:
        """The record of an image, given its number and its line, and the image's shape (H, W, C)."""
        number, line = numbered
        label = int(self._listing.lines.lines[line].split()[-1])  # a float32 holds 24 bits of it
        if label not in _LABELS:
            raise DataError.at(f"label {label} does not fit into 32 bits", self._span(line))
        name = self._listing.names[line]
        value, shape = self._value(line, self._files.content(name, partial(self._span, line)))
        value.label = label
        key = f"{number:08d}_{name}".encode(errors="surrogateescape")
        return (key, value.SerializeToString()), shape

    def _value(self, line: int, content: Bytes) -> tuple[Datum, tuple[int, ...]]:
        settings = self._settings
        kind = self._kind(line) if settings.encoded else ""
        if kind and not any(settings.size) and _is_of_kind(self._listing.names[line], kind):
            image = decode(content, cv2.IMREAD_UNCHANGED)
            if image is not None and (settings.color or image.shape[2] == 1):
                return Datum(data=content.tobytes(), encoded=True), image.shape
        image = self._image(line, content)
        if kind:
            return Datum(data=self._encode(line, image, kind), encoded=True), image.shape
        height, width, channels = image.shape
        data = image.transpose(2, 0, 1).tobytes()
        return Datum(channels=channels, height=height, width=width, data=data, encoded=False), image.shape

    def _image(self, line: int, content: Bytes) -> Bytes:
        image = decode(content, cv2.IMREAD_COLOR if self._settings.color else cv2.IMREAD_GRAYSCALE)
        if image is None:
            help = "the file is there, but holds no image that OpenCV can decode"
            message = f"cannot read image '{self._listing.names[line]}'"
            raise DataError.at(message, self._span(line), help=help)
        return resized(image, self._settings.size) if all(self._settings.size) else image

    def _encode(self, line: int, image: Bytes, kind: str) -> bytes:
        try:
            done, data = cv2.imencode(f".{kind}", image)
        except cv2.error:
            done = False
        if not done:
            message = f"OpenCV cannot store image '{self._listing.names[line]}' as {kind}"
            raise DataError.at(message, self._span(line), help="give -encode_type png, or jpg")
        return bytes(data)

    def _kind(self, line: int) -> str:
        """The type of image file in which an image is stored."""
        if self._settings.encode_type:
            return self._settings.encode_type.lower()
        name = self._listing.names[line]
        kind = _suffix(name)
        if not kind or not can_encode(kind):
            message = f"'{name}' does not tell by its suffix how to encode it"
            raise DataError.at(message, self._span(line), help="give -encode_type png, or jpg")
        return kind

    def _compare(self, line: int, shape: tuple[int, ...]) -> None:
        """Compares an image's shape with that of the first."""
        if self._first is None:
            self._first = line, shape
        first, wanted = self._first
        if shape == wanted:
            return
        self.sizes_differ = True
        if self._settings.check_size:
            here, there = ("x".join(map(str, (dims[2], *dims[:2]))) for dims in (shape, wanted))
            where = f"the first one (line {self._span(first).line}) {there}"
            message = f"image '{self._listing.names[line]}' is {here}, {where}"
            help = "give -resize_height and -resize_width, or leave -check_size out"
            raise DataError.at(message, self._span(line), help=help)

    def _all(self, wrong: list[tuple[int, DataError]]) -> DataError:
        """All that is wrong, in the order of the list: the first cases in full, and the lines of all."""
        wrong = sorted(wrong, key=lambda pair: pair[0])
        shown = [diagnostic for _, error in wrong[:SHOWN] for diagnostic in error.diagnostics]
        lines = _ranges([self._span(line).line for line, _ in wrong])
        message = f"{len(wrong)} of {len(self)} images cannot be used: line{'s' * (len(wrong) > 1)} {lines}"
        help = "-skip_bad leaves such images out"
        if len(wrong) == len(self):
            help = f"nothing is left; is '{self._root}' what the names in the list start from?"
        return DataError([*shown, Diagnostic(message, help=help, file=self._listing.source.name)])

    def _span(self, line: int) -> Span:
        return self._listing.span(line)


def can_encode(kind: str) -> bool:
    """Whether images can be stored as files of a type: "png", "jpg", ..."""
    return kind.isalnum() and cv2.haveImageWriter(f"image.{kind}")


def _folder(root: str) -> str:
    """What to put in front of names.

    Raises:
        DataError: it is no folder, nor the start of names in one.
    """
    if not Path(root).parent.is_dir() or (root.endswith("/") and not Path(root).is_dir()):
        help = "give the folder that the names in the list start from"
        raise DataError.at("no such folder", file=root, help=help)
    return os.path.join(root, "") if root and Path(root).is_dir() else root  # noqa: PTH118


def _is_of_kind(name: str, kind: str) -> bool:
    return _suffix(name) == kind or (_suffix(name), kind) == ("jpeg", "jpg")


def _suffix(name: str) -> str:
    return Path(name).suffix[1:].lower()


def _ranges(numbers: list[int]) -> str:
    """Numbers in rising order in short: 1, 4-7, 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    more = f" and {len(runs) - _RUNS} more places" if len(runs) > _RUNS else ""
    return ", ".join("-".join(map(str, run)) for run in runs[:_RUNS]) + more
