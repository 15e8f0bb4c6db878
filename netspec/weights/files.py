"""Files that are either written whole or not at all, alone or together."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from netspec.errors import WeightsError

_LEFT = 3600.0  # seconds after which nobody can still be writing a temporary file
_staged: ContextVar[dict[Path, Path] | None] = ContextVar("staged", default=None)


def write_atomically(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Writes a file so that, whatever happens, its name means the old contents or all of the new.

    Raises:
        WeightsError: the folder is missing or read-only, or the disk is full; what was there is untouched.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines(parts)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file in the same folder, for the caller to write: when the block ends well, its contents
    go to the disk and then take the name ``path``; otherwise it goes, and what was there stays.

    Raises:
        WeightsError: writing it failed, in the block or after it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    staged = _staged.get()
    try:
        with _named(path):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            if staged is None:
                _rename(temporary, path)
            else:
                staged[path] = temporary
    finally:
        if staged is None or path not in staged:
            _remove(temporary)


@contextmanager
def together() -> Iterator[dict[Path, Path]]:
    """Files that are written in this block take their names when it ends well, right after each other in the
    order in which they were written; where it does not, none does.

    Yields:
        For each file that is written by then, where its contents lie.

    Raises:
        WeightsError: a file cannot take its name.
    """
    staged: dict[Path, Path] = {}
    token = _staged.set(staged)
    try:
        try:
            yield staged
        finally:
            _staged.reset(token)
        for path, temporary in staged.items():
            with _named(path):
                _rename(temporary, path)
    finally:
        for temporary in staged.values():
            _remove(temporary)


def clear_leftovers(stem: Path) -> None:
    """Removes what killed processes left of files whose names begin as ``stem``: temporary files to which
    nobody wrote for an hour."""
    for entry in stem.parent.glob(".*.tmp"):
        if entry.name.startswith(f".{stem.name}"):
            with suppress(OSError):  # somebody else was quicker
                if time.time() - entry.stat().st_mtime > _LEFT:
                    entry.unlink()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        help = "nothing was written, and what was there before is untouched"
        raise WeightsError.at(
            f"cannot be written: {error.strerror or error}", file=str(path), help=help
        ) from error


def _rename(temporary: Path, path: Path) -> None:
    temporary.replace(path)
    _sync_folder(path.parent)


def _remove(temporary: Path) -> None:
    with suppress(OSError):  # most often there is none
        temporary.unlink()


def _sync_folder(folder: Path) -> None:
    # The new name itself is part of the folder, which only POSIX systems let one open.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
