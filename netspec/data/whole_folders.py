"""Folders whose name means all of them or nothing, whatever happens while they are written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from netspec.errors import DataError


def check_new(path: Path) -> None:
    """Makes sure that nothing is in the way of a new file or folder.

    Raises:
        DataError: there is something at ``path``.
    """
    if path.exists() or path.is_symlink():
        raise DataError.at("already exists", file=str(path), help="remove it first, or give another name")


def check_folder(path: Path) -> None:
    """Makes sure, before the work begins, that a file can be written at ``path``.

    Raises:
        DataError: there is no folder for it, or there is a folder in its place.
    """
    if path.is_dir():
        raise DataError.at("is a folder", file=str(path), help="give the name of a file")
    if not path.parent.is_dir():
        raise DataError.at(f"there is no folder '{path.parent}'", file=str(path), help="make it first")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path``, which gets that name at the end of the block, or goes if it fails.

    Raises:
        DataError: there is something at ``path``, or its folder is missing or read-only.
    """
    check_new(path)
    with _reporting(path):
        folder = Path(mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield folder
        with _reporting(path):
            folder.chmod(0o755)  # mkdtemp's folders are for their owner alone
            check_new(path)  # it may have come meanwhile, and some systems replace an empty folder
            folder.rename(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_into(file: Path, content: bytes, path: Path) -> None:
    """Writes a file of the folder that will be ``path``.

    Raises:
        DataError: it cannot be written.
    """
    with _reporting(path):
        file.write_bytes(content)


def not_written(path: Path, reason: str) -> DataError:
    """That there is nothing new at ``path``, and why."""
    help = "is there room enough, and may you write there? nothing was left behind"
    return DataError.at(f"cannot be written: {reason}", file=str(path), help=help)


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise not_written(path, error.strerror or str(error)) from error
