"""Files in folders and in zip archives, read alike. Nothing is ever unpacked to disk, so whatever names an
archive has in it, nothing is written by them."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

from netspec.errors import DataError

_BROKEN = (OSError, EOFError, RuntimeError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error)
_AGAIN = "fetch the file again: it may be cut short or another file"


class Files(Protocol):
    """Files by their names, with slashes between folders. Thread-safe."""

    def find(self, suffix: str) -> Iterator[str]:
        """The names that end so, in order."""
        ...

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            DataError: there is no such file, or it is damaged.
        """
        ...

    def place(self, name: str) -> str:
        """A file's name in full, for people."""
        ...


class Folder:
    """The files of a folder and of those in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, suffix: str) -> Iterator[str]:
        found = (path.relative_to(self._path).as_posix() for path in self._path.rglob(f"*{suffix}"))
        yield from sorted(found)

    def read(self, name: str) -> bytes:
        path = self._path / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise DataError.at(f"cannot be read: {error.strerror}", file=str(path)) from error

    def place(self, name: str) -> str:
        return str(self._path / name)


class Archive:
    """The files in a zip archive.

    Raises:
        DataError: it is none, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise self._damaged(str(error)) from error

    def find(self, suffix: str) -> Iterator[str]:
        return (name for name in self._names if name.endswith(suffix))

    @cached_property
    def _names(self) -> list[str]:
        return sorted(self._zip.namelist())

    def read(self, name: str) -> bytes:
        try:
            return self._zip.read(name)
        except KeyError as error:
            raise DataError.at(f"there is no '{name}' in this archive", file=str(self._path)) from error
        except _BROKEN as error:
            raise self._damaged(f"'{name}': {error}") from error

    def place(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _damaged(self, why: str) -> DataError:
        return DataError.at(f"is no zip archive that can be read: {why}", file=str(self._path), help=_AGAIN)


def open_trees(source: Path) -> list[Files]:
    """A folder and the zip archives that lie in it; or a single archive.

    Raises:
        DataError: there is no such folder or archive, or an archive is damaged.
    """
    if source.is_file():
        return [Archive(source)]
    if not source.is_dir():
        raise DataError.at("no such folder or archive", file=str(source))
    return [Folder(source), *(Archive(path) for path in sorted(source.glob("*.zip")))]


def verify_md5(path: Path, digests: Mapping[str, str], help: str) -> None:
    """Makes sure that a file whose name is in ``digests`` is the one that was published.

    Raises:
        DataError: it has another content, or cannot be read.
    """
    wanted = digests.get(path.name)
    if wanted is None:
        return
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise DataError.at(f"cannot be read: {error.strerror}", file=str(path)) from error
    if digest.hexdigest() != wanted:
        message = f"is not the file that was published: MD5 {digest.hexdigest()}, not {wanted}"
        raise DataError.at(message, file=str(path), help=help)
