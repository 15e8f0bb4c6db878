"""Databases of records, LMDB and LevelDB, read in the order of their keys."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol
from weakref import WeakValueDictionary

from netspec.errors import DataError
from netspec.text.source import Span

Record = tuple[bytes, bytes]
Backend = Literal["LMDB", "LEVELDB"]
Walk = Generator[Any, None, None]

_NAMES: dict[Backend, str] = {"LMDB": "LMDB", "LEVELDB": "LevelDB"}
_MARKS: dict[Backend, str] = {"LMDB": "data.mdb", "LEVELDB": "CURRENT"}  # the file by which to know each
_STRIDE = 256  # so many records lie between two whose keys are remembered


class _Store(Protocol):
    """What the two kinds of database have in common. ``size`` is None where only a walk can tell."""

    size: int | None
    error: type[Exception]

    def walk(self, start: bytes, *, values: bool) -> Walk:
        """The keys from ``start`` on, or pairs of key and value."""
        ...


class Database:
    """The records of a database by number, in the order of their keys. Thread-safe.

    Neither kind of database knows its records by number: a walk along the keys finds them, from the last
    place read or from the nearest of the places that were passed before.
    """

    def __init__(self, path: Path, backend: Backend, store: _Store) -> None:
        self._path, self._backend, self._store = path, backend, store
        self._size = store.size
        self._marks = {0: b""}
        self._last = (0, b"")

    def read(self, first: int, count: int, span: Span | None = None) -> list[Record]:
        """``count`` records from number ``first`` on; behind the last record comes the first again.

        Raises:
            DataError: the database is broken or empty.
        """
        found: list[Record] = []
        with self._reading(span):
            while len(found) < count:
                place = first + len(found)
                found += self._run(place % self._size if self._size else place, count - len(found))
                if self._size == 0:
                    raise DataError.at(f"the database '{self._path}' is empty", span)
        return found

    def size(self, span: Span | None = None) -> int:
        """How many records there are. A LevelDB only knows after it was read to its end.

        Raises:
            DataError: the database is broken.
        """
        if self._size is None:
            mark = max([*self._marks])
            with self._reading(span):
                self._walk(mark, self._marks[mark], None)
        return self._size or 0

    @contextmanager
    def _reading(self, span: Span | None) -> Iterator[None]:
        try:
            yield
        except self._store.error as error:
            raise DataError.at(f"cannot read the database '{self._path}': {error}", span) from error

    def _run(self, place: int, count: int) -> list[Record]:
        """Records from ``place`` up to the end of the database, at most ``count``."""
        key = self._key(place)
        if key is None:
            return []
        with closing(self._store.walk(key, values=True)) as records:
            found = list(islice(records, count))
        if len(found) < count:
            self._size = place + len(found)
        if found:
            self._last = (place + len(found) - 1, found[-1][0])
        return found

    def _key(self, place: int) -> bytes | None:
        """The key of record number ``place``; None where the database ends before it."""
        mark, last = place - place % _STRIDE, self._last
        while mark not in self._marks:
            mark -= _STRIDE
        at, start = last if mark <= last[0] <= place else (mark, self._marks[mark])
        return self._walk(at, start, place)

    def _walk(self, at: int, start: bytes, place: int | None) -> bytes | None:
        """Goes from record number ``at``, of the key ``start``, to ``place``, or up to the end."""
        with closing(self._store.walk(start, values=False)) as keys:
            key: bytes
            for key in keys:
                if at % _STRIDE == 0:
                    self._marks[at] = key
                if at == place:
                    return key
                at += 1
        self._size = at
        return None

    def __reduce__(self) -> tuple[Callable[..., Database], tuple[Path, Backend]]:
        return open_database, (self._path, self._backend)


_opened: WeakValueDictionary[tuple[str, int], Database] = WeakValueDictionary()
_opening = Lock()


def open_database(path: Path, backend: Backend, span: Span | None = None) -> Database:
    """Opens a database for reading. Within a process, all who read a database share it.

    Args:
        path: its folder.
        backend: its kind.
        span: what errors point at.

    Raises:
        DataError: it is no such database, or is broken, or the package that reads it is missing.
    """
    kind = _kind(path)
    if kind is None:
        help = f"expected a folder with the file {_MARKS[backend]} in it"
        raise DataError.at(f"'{path}' is no {_NAMES[backend]} database", span, help=help)
    if kind != backend:
        message = f"'{path}' is a database of {_NAMES[kind]}, not of {_NAMES[backend]}"
        raise DataError.at(message, span, help=f"backend: {kind}")
    # An LMDB that was written anew under the same name is another database.
    identity = (str(path.resolve()), (path / _MARKS[kind]).stat().st_ino if kind == "LMDB" else 0)
    with _opening:
        database = _opened.get(identity)
        if database is None:
            store = _Lmdb(path, span) if kind == "LMDB" else _LevelDb(path, span)
            database = _opened[identity] = Database(path, kind, store)
    return database


def _kind(path: Path) -> Backend | None:
    return next((kind for kind, name in _MARKS.items() if (path / name).is_file()), None)


class _Lmdb:
    def __init__(self, path: Path, span: Span | None) -> None:
        import lmdb

        self.error: type[Exception] = lmdb.Error
        try:
            # Nobody writes while a net reads; without the lock file, a folder that is read-only will do.
            self._environment = lmdb.open(str(path), readonly=True, lock=False)
        except lmdb.Error as error:
            raise DataError.at(f"cannot open '{path}' as LMDB: {error}", span) from error
        state = self._environment.stat()
        self.size: int | None = state["entries"]
        needed = (self._environment.info()["last_pgno"] + 1) * state["psize"]
        found = (path / _MARKS["LMDB"]).stat().st_size
        if found < needed:  # reading behind the end of a mapped file kills the process
            message = f"the database '{path}' is cut short: expected {needed} bytes, found {found}"
            raise DataError.at(message, span)

    def walk(self, start: bytes, *, values: bool) -> Walk:
        with self._environment.begin() as transaction, transaction.cursor() as cursor:
            if cursor.set_range(start):
                yield from (cursor.iternext() if values else cursor.iternext(values=False))


class _LevelDb:
    size: int | None = None

    def __init__(self, path: Path, span: Span | None) -> None:
        try:
            import plyvel
        except ImportError as error:
            message = f"'{path}' is a LevelDB, which the package plyvel reads; it is not installed"
            help = "pip install plyvel, or convert the database to LMDB"
            raise DataError.at(message, span, help=help) from error
        self.error: type[Exception] = plyvel.Error
        try:
            self._database = plyvel.DB(str(path))
        except plyvel.Error as error:
            help = "a LevelDB must be writable and serves one process at a time; an LMDB can do more"
            raise DataError.at(f"cannot open '{path}' as LevelDB: {error}", span, help=help) from error

    def walk(self, start: bytes, *, values: bool) -> Walk:
        iterator = self._database.iterator(start=start or None, include_value=values, verify_checksums=True)
        with iterator:
            yield from iterator
