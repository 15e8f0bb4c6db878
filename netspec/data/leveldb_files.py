"""The files of a LevelDB: how to read them without disturbing whoever else has the database open."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

_TABLES = (".ldb", ".sst")
_LEFT_OUT = ("LOCK", "LOG", "LOG.old")
_BLOCK = 32768  # bytes of a log that no record runs across
_HEAD = struct.Struct("<IHB")  # checksum, length and kind of a record's part
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def link_leveldb(path: Path, folder: Path) -> None:
    """Makes a LevelDB in ``folder`` of that in ``path``: tables are linked, what may change is copied.

    Raises:
        OSError: a file cannot be read, or one that says which records there are is cut short: LevelDB itself
            takes such a one for all that was written before a crash.
    """
    for file in sorted(path.iterdir()):  # CURRENT before the file that it names
        if file.suffix in _TABLES:
            (folder / file.name).symlink_to(file.resolve())
        elif file.is_file() and file.name not in _LEFT_OUT:
            copy = Path(shutil.copyfile(file, folder / file.name))
            if (file.suffix == ".log" or file.name.startswith("MANIFEST-")) and not _is_whole(copy):
                raise OSError(f"the file '{file}' is cut short or damaged, or is being written")


def _is_whole(log: Path) -> bool:
    """Whether a log is a row of whole records; their checksums are left to LevelDB."""
    content, place, inside = log.read_bytes(), 0, False
    while place < len(content):
        room = _BLOCK - place % _BLOCK
        if room < _HEAD.size:  # filled up with zeros
            place += room
            continue
        if place + _HEAD.size > len(content):
            return False
        _, length, kind = _HEAD.unpack_from(content, place)
        if kind not in ((_MIDDLE, _LAST) if inside else (_FULL, _FIRST)) or length > room - _HEAD.size:
            return False
        inside = kind in (_FIRST, _MIDDLE)
        place += _HEAD.size + length
    return place == len(content) and not inside
