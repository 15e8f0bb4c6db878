"""Parts of data sets, such as a training half: what builders make, each whole or not there at all.

A part that is done stays, so a builder that was interrupted goes on with the next one. Beside its content a
part keeps, in `recipe.json`, what it was made of; one of another recipe is in the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.data.database import Backend, Record, open_database
from netspec.data.database_writer import write_database
from netspec.data.ordered import in_order
from netspec.data.whole_folders import new_folder, not_written, write_into
from netspec.errors import DataError
from netspec.schema.messages import Datum

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Format = Literal["lmdb", "leveldb", "images", "hdf5"]
Watch = Callable[[Iterable[Any], int], Iterable[Any]]

LIST = "list.txt"  # of the images of a part, or of its HDF5 files
_RECIPE = "recipe.json"
_BACKENDS: dict[str, Backend] = {"lmdb": "LMDB", "leveldb": "LEVELDB"}
_ROWS = 10000  # of an HDF5 file


@dataclass(frozen=True, slots=True)
class Example:
    """One image (H, W) or (H, W, 3), BGR, as bytes or floats; its class, or several numbers (K,); and what
    else is to be found in it, by name, (K,) each."""

    image: Pixels
    label: int | NDArray[np.float32]
    targets: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """What a part holds.

    Attributes:
        name: of its folder, but for the format.
        count: how many examples it has.
        make: the example of a number, whichever thread asks for it.
        recipe: all that the examples depend on, as JSON has it; without one, any part of as many will do.
    """

    name: str
    count: int
    make: Callable[[int], Example]
    recipe: Mapping[str, object] = field(default_factory=dict)


def build_part(
    folder: Path, part: Part, format: Format, watch: Watch = lambda items, _: items, *, workers: int = 1
) -> str:
    """Makes a part in ``folder``, which is made too; what is there already stays.

    A database, lmdb or leveldb, holds a Datum for each example under the keys 00000000, 00000001, ... Or a
    folder holds PNG images and a list of them, list.txt, with a line `name label` for each; labels of several
    numbers, and each target, are in an HDF5 file beside it, `<target>.h5`, which the list `<target>.txt`
    names. Or a folder holds HDF5 files with the datasets data (N, C, H, W), label (N, ...) and one for each
    target (N, K), and their list.txt.

    Args:
        watch: hands on what comes, given how many there are; to show progress.
        workers: threads that make examples; what comes out does not depend on it.

    Returns:
        A line on the part: where it is, how many images it has, and whether it was there already.

    Raises:
        DataError: something else is in the way, or the disk is full; and what ``part.make`` raises.
    """
    make_folder(folder)
    path = folder / (part.name if format == "images" else f"{part.name}_{format}")
    if path.exists():
        _require(path, part, format)
        return f"{path}: {part.count} images, there already"
    futures = watch(in_order(part.make, range(part.count), workers), part.count)
    examples = (future.result() for future in futures)
    _WRITERS[format](path, part, examples)
    return f"{path}: {part.count} images"


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, unless they are there.

    Raises:
        DataError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error.strerror or str(error)) from error


# What is there already ------------------------------------------------------------------------------------


def _require(path: Path, part: Part, format: Format) -> None:
    """Makes sure that what is at ``path`` is the part."""
    if part.recipe and (other := _differences(path, part.recipe)):
        raise _in_the_way(path, other)
    try:
        found = _COUNTERS[format](path)
    except (OSError, ValueError, DataError):
        found = 0
    if found != part.count:
        raise _in_the_way(path, f"expected {part.count} images in it, found {found}")


def _differences(path: Path, recipe: Mapping[str, object]) -> str:
    """In what the recipe of the part at ``path`` differs from another, in words."""
    try:
        found = json.loads((path / _RECIPE).read_text())
    except (OSError, ValueError):
        return f"expected the file {_RECIPE} in it, as this tool leaves it there"
    found = found if isinstance(found, dict) else {}
    wanted = json.loads(json.dumps(recipe))
    names = [name for name in wanted if found.get(name) != wanted[name]]
    return ", ".join(f"it was made with {name} {found.get(name)}, not {wanted[name]}" for name in names)


def _in_the_way(path: Path, why: str) -> DataError:
    return DataError.at(f"is in the way: {why}", file=str(path), help="remove it, or give another folder")


def _listed(path: Path) -> int:
    return len((path / LIST).read_text().splitlines())


def _rows(path: Path) -> int:
    import h5py

    count = 0
    for name in (path / LIST).read_text().splitlines():
        with h5py.File(path / name, "r") as file:
            count += file["data"].shape[0]
    return count


def _records(backend: Backend, path: Path) -> int:
    return open_database(path, backend).size()


_COUNTERS: dict[str, Callable[[Path], int]] = {
    "images": _listed,
    "hdf5": _rows,
    **{format: partial(_records, backend) for format, backend in _BACKENDS.items()},
}


# Writing --------------------------------------------------------------------------------------------------


def _write_database(backend: Backend, path: Path, part: Part, examples: Iterable[Example]) -> None:
    write_database(path, backend, _datums(examples), beside=_recipe(part))


def _recipe(part: Part) -> dict[str, bytes]:
    return {_RECIPE: json.dumps(part.recipe, indent=1).encode()} if part.recipe else {}


def _datums(examples: Iterable[Example]) -> Iterator[Record]:
    for number, example in enumerate(examples):
        pixels = planes(example.image)
        channels, height, width = pixels.shape
        datum = Datum(channels=channels, height=height, width=width, label=int(example.label))
        if pixels.dtype == np.uint8:
            datum.data = pixels.tobytes()
        else:
            datum.float_data.extend(pixels.ravel().tolist())
        yield b"%08d" % number, datum.SerializeToString()


def _write_images(path: Path, part: Part, examples: Iterable[Example]) -> None:
    lines: list[str] = []
    targets: dict[str, list[NDArray[np.float32]]] = {}
    with new_folder(path) as folder:
        for number, example in enumerate(examples):
            name = f"{number:05d}.png"
            _, data = cv2.imencode(".png", example.image)
            write_into(folder / name, data.tobytes(), path)
            several = isinstance(example.label, np.ndarray)
            lines.append(f"{name} {0 if several else example.label}\n")
            for target, values in _targets(example).items():
                if several or target != "label":
                    targets.setdefault(target, []).append(values)
        for target, rows in targets.items():
            _write_hdf5(folder / f"{target}.h5", {target: np.stack(rows)}, path)
            write_into(folder / f"{target}.txt", f"{target}.h5\n".encode(), path)
        for name, content in {LIST: "".join(lines).encode(), **_recipe(part)}.items():
            write_into(folder / name, content, path)


def _write_rows(path: Path, part: Part, examples: Iterable[Example]) -> None:
    names: list[str] = []
    with new_folder(path) as folder:
        for batch in _batches(examples):
            names.append(f"{len(names):04d}.h5")
            data = np.stack([planes(example.image) for example in batch])
            targets = [_targets(example) for example in batch]
            columns = {name: np.stack([row[name] for row in targets]) for name in targets[0]}
            _write_hdf5(folder / names[-1], {"data": data, **columns}, path)
        listed = "".join(f"{name}\n" for name in names).encode()
        for name, content in {LIST: listed, **_recipe(part)}.items():
            write_into(folder / name, content, path)


def _targets(example: Example) -> dict[str, NDArray[np.float32]]:
    """All that is to be found in an image, its label too."""
    return {"label": np.asarray(example.label, np.float32), **example.targets}


def _batches(examples: Iterable[Example]) -> Iterator[list[Example]]:
    batch: list[Example] = []
    for example in examples:
        batch.append(example)
        if len(batch) == _ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_hdf5(file: Path, datasets: Mapping[str, NDArray[Any]], path: Path) -> None:
    import h5py

    try:
        with h5py.File(file, "w") as target:
            for name, values in datasets.items():
                # A row is packed by itself: whoever shuffles reads one here and one there.
                packing = {"chunks": (1, *values.shape[1:]), "compression": "gzip"} if values.ndim > 2 else {}
                target.create_dataset(name, data=values, **packing)
    except (OSError, RuntimeError) as error:
        raise not_written(path, str(error)) from error


def planes(image: Pixels) -> Pixels:
    """An image (H, W) or (H, W, C) as a blob has it, (C, H, W)."""
    return image[None] if image.ndim == 2 else np.ascontiguousarray(image.transpose(2, 0, 1))


_WRITERS: dict[str, Callable[[Path, Part, Iterable[Example]], None]] = {
    "images": _write_images,
    "hdf5": _write_rows,
    **{format: partial(_write_database, backend) for format, backend in _BACKENDS.items()},
}
