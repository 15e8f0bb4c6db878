"""Files that are either written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from netspec.errors import WeightsError


def write_atomically(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Writes a file so that, whatever happens, its name means the old contents or all of the new.

    The parts go to a temporary file in the same folder and to the disk before the name changes hands.

    Raises:
        WeightsError: the folder is missing or read-only, or the disk is full; what was there is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_and_rename(temporary, path, parts)
    except OSError as error:
        help = "nothing was written, and what was there before is untouched"
        raise WeightsError.at(
            f"cannot be written: {error.strerror or error}", file=str(path), help=help
        ) from error


def _write_and_rename(temporary: Path, path: Path, parts: Iterable[bytes | memoryview]) -> None:
    try:
        with temporary.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # The new name itself is part of the folder, which only POSIX systems let one open.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
