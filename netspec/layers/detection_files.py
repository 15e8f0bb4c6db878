"""Detections in the files that benchmarks read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from netspec.errors import DataError
from netspec.layers.boxes import in_pixels
from netspec.schema.document import load_document
from netspec.schema.messages import LabelMap, ResizeParameter

FORMATS = ("VOC", "COCO", "ILSVRC")


class NamedSize(NamedTuple):
    """An image's name and its size in pixels, before it was resized."""

    name: str
    height: int
    width: int


class _Found(NamedTuple):
    """A detection, its box as left, top, width and height in pixels, to two digits."""

    image: str
    label: int
    score: float
    box: tuple[float, ...]


def read_label_map(path: Path) -> dict[int, str]:
    """The names of classes by their labels, from a LabelMap in text format.

    Raises:
        ParseError: it is none.
    """
    return {item.label: item.name for item in load_document(path, LabelMap).message.item}


def read_sizes(path: Path) -> list[NamedSize]:
    """Images, from lines `name height width`.

    Raises:
        DataError: the file cannot be read, or a line is another.
    """
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [NamedSize(name, int(height), int(width)) for name, height, width in lines]
    except (OSError, ValueError) as error:
        message = f"a line `name height width` per image is needed: {error}"
        raise DataError.at(message, file=str(path)) from error


@dataclass
class DetectionFiles:
    """Collects the detections of images in order, writes the files when it has them all, and starts anew.

    VOC: a file `<prefix><class>.txt` for each class, with lines `image score left top right bottom`. ILSVRC:
    a file `<prefix>.txt` with lines `image label score left top right bottom`. COCO: a file `<prefix>.json`.

    Attributes:
        folder: where the files go; made where it does not exist.
        prefix: how the files' names start.
        format: one of `FORMATS`.
        names: the names of the classes that are written, by label.
        images: as many as are waited for.
        resize: how the images were resized; None for plainly.
    """

    folder: Path
    prefix: str
    format: str
    names: dict[int, str]
    images: list[NamedSize]
    resize: ResizeParameter | None

    def __post_init__(self) -> None:
        self._found: list[_Found] = []
        self._seen = 0

    def add(self, rows: Tensor, items: int) -> None:
        """Takes the detections (M, 7) of a batch: item, label (-1: none), score, xmin, ymin, xmax, ymax.

        Raises:
            DataError: a label has no name, or a file cannot be written.
        """
        rows = rows.cpu()
        for item in range(items):
            image = self.images[self._seen]
            self._found += self._of(image, rows[(rows[:, 0] == item) & (rows[:, 1] >= 0)])
            self._seen += 1
            if self._seen == len(self.images):
                self._write()
                self._found, self._seen = [], 0

    def _of(self, image: NamedSize, rows: Tensor) -> Iterator[_Found]:
        boxes = in_pixels(rows[:, 3:], image.height, image.width, self.resize)
        for (_, label, score), (left, top, right, bottom) in zip(
            rows[:, :3].tolist(), boxes.tolist(), strict=True
        ):
            if int(label) not in self.names:
                raise DataError.at(f"a detection of class {int(label)}, which the label map does not name")
            box = (left, top, right - left, bottom - top)
            yield _Found(image.name, int(label), score, tuple(round(number, 2) for number in box))

    def _write(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, text in self._texts():
                (self.folder / f"{self.prefix}{name}").write_text(text, encoding="utf-8")
        except OSError as error:
            raise DataError.at(f"cannot write detections: {error}", file=str(self.folder)) from error

    def _texts(self) -> Iterator[tuple[str, str]]:
        if self.format == "COCO":
            yield ".json", json.dumps([self._entry(found) for found in self._found], indent=1) + "\n"
        elif self.format == "ILSVRC":
            yield ".txt", "".join(_line(found.image, found.label, found=found) for found in self._found)
        else:
            for label, name in self.names.items():
                lines = (_line(found.image, found=found) for found in self._found if found.label == label)
                yield f"{name}.txt", "".join(lines)

    def _entry(self, found: _Found) -> dict[str, object]:
        image, category = (
            int(name) if name.isdecimal() else name for name in (found.image, self.names[found.label])
        )
        return {"image_id": image, "category_id": category, "bbox": found.box, "score": found.score}


def _line(*names: object, found: _Found) -> str:
    left, top, width, height = map(int, found.box)
    corners = (left, top, left + width, top + height)
    return " ".join(map(str, (*names, f"{found.score:g}", *corners))) + "\n"
