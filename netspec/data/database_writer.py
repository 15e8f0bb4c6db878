"""Writes databases of records, LMDB and LevelDB, so that a name means a whole database or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from netspec.data.database import Backend, Record
from netspec.data.whole_folders import new_folder, not_written, write_into
from netspec.errors import DataError

_BATCH = 1000  # records that are committed together
_BATCH_BYTES = 2**25  # or fewer, where they are large
_FIRST_MAP = 2**24  # bytes that an LMDB may grow to before its map is made larger
_LONGEST_KEY = 511  # bytes; the limit of LMDB


class _Target(Protocol):
    """What the two kinds of database have in common."""

    def commit(self, records: list[Record]) -> None: ...

    def close(self) -> None: ...


def write_database(
    path: Path, backend: Backend, records: Iterable[Record], *, beside: Mapping[str, bytes] | None = None
) -> int:
    """Writes a new database; returns how many records it has.

    The records go to a temporary folder beside ``path``, which gets its name only when all are on the disk.
    Whatever goes wrong on the way, in ``records`` too, leaves nothing behind.

    Args:
        path: the folder of the database; it must not exist yet.
        backend: its kind.
        records: pairs of key and value.
        beside: small files, by name, that go into the folder too.

    Raises:
        DataError: there is something at ``path``, its folder is missing or read-only, the disk is full, a key
            is too long, or the package that writes the database is missing.
    """
    count = 0
    with new_folder(path) as folder:
        with closing(_TARGETS[backend](path, folder)) as target:
            for batch in _batches(records):
                target.commit(batch)
                count += len(batch)
        for name, content in (beside or {}).items():
            write_into(folder / name, content, path)
    return count


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record[1])
        if len(batch) == _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def _text(part: object) -> str:
    return part.decode(errors="replace") if isinstance(part, bytes) else str(part)


@contextmanager
def _writing(path: Path, expected: type[Exception]) -> Iterator[None]:
    try:
        yield
    except expected as error:
        raise not_written(path, "; ".join(map(_text, error.args))) from error


class _Lmdb:
    def __init__(self, path: Path, folder: Path) -> None:
        import lmdb

        self._path, self._last = path, b""
        self._error: type[Exception] = lmdb.Error
        self._full: type[Exception] = lmdb.MapFullError
        with _writing(path, self._error):
            # Nobody else knows the folder, so there is nothing to lock.
            self._environment = lmdb.open(str(folder), map_size=_FIRST_MAP, lock=False)

    def commit(self, records: list[Record]) -> None:
        for key, _ in records:
            if not 0 < len(key) <= _LONGEST_KEY:
                message = f"a key has {len(key)} bytes, and LMDB takes 1 to {_LONGEST_KEY}: {key[:60]!r}"
                help = "shorten the names, or write a LevelDB"
                raise DataError.at(message, file=str(self._path), help=help)
        with _writing(self._path, self._error):
            while not self._put(records):
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])

    def _put(self, records: list[Record]) -> bool:
        """Whether the map was large enough for the records; if not, none of them is in the database."""
        last = self._last
        try:
            with self._environment.begin(write=True) as transaction:
                for key, value in records:
                    # Told that a key comes last, LMDB fills its pages instead of splitting them in halves.
                    transaction.put(key, value, append=key > last)
                    last = max(last, key)
        except self._full:
            return False
        self._last = last
        return True

    def close(self) -> None:
        self._environment.close()


class _LevelDb:
    def __init__(self, path: Path, folder: Path) -> None:
        try:
            import plyvel
        except ImportError as error:
            message = "a LevelDB is written by the package plyvel, which is not installed"
            help = "pip install plyvel, or write an LMDB"
            raise DataError.at(message, file=str(path), help=help) from error
        self._path, self._error = path, plyvel.Error
        with _writing(path, self._error):
            self._database = plyvel.DB(str(folder), create_if_missing=True)

    def commit(self, records: list[Record]) -> None:
        with _writing(self._path, self._error), self._database.write_batch(sync=True) as batch:
            for key, value in records:
                batch.put(key, value)

    def close(self) -> None:
        self._database.close()


_TARGETS: dict[Backend, Callable[[Path, Path], _Target]] = {"LMDB": _Lmdb, "LEVELDB": _LevelDb}
