"""Databases of records, LMDB and LevelDB, read in the order of their keys."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol
from weakref import WeakValueDictionary, finalize

from netspec.data.leveldb_files import link_leveldb
from netspec.data.lmdb_file import LmdbError, LmdbFile
from netspec.errors import DataError
from netspec.text.source import Span

Record = tuple[bytes, bytes]
Backend = Literal["LMDB", "LEVELDB"]
Walk = Generator[Any, None, None]

_NAMES: dict[Backend, str] = {"LMDB": "LMDB", "LEVELDB": "LevelDB"}
_MARKS: dict[Backend, str] = {"LMDB": "data.mdb", "LEVELDB": "CURRENT"}  # the file by which to know each
_STRIDE = 64  # so many records lie between two whose keys are remembered


class _Store(Protocol):
    """What the two kinds of database have in common. ``size`` is None where only a walk can tell; ``cheap``
    is how many keys may be read just to know a database again."""

    size: int | None
    cheap: int
    errors: tuple[type[Exception], ...]

    def walk(self, start: bytes, *, values: bool) -> Walk:
        """The keys from ``start`` on, or pairs of key and value."""
        ...

    def last_key(self) -> bytes:
        """The last key; empty where there are no records."""
        ...

    def require_unchanged(self) -> None:
        """Raises one of ``errors`` where what was read may be of another state of the database."""
        ...

    def said(self, error: Exception) -> str:
        """What one of ``errors`` says."""
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

    def read(self, first: int, count: int, span: Span | None = None, *, step: int = 1) -> list[Record]:
        """``count`` records, each ``step``-th from number ``first`` on; behind the last comes the first.

        Raises:
            DataError: the database is broken or empty.
        """
        found: list[Record] = []
        with self._reading(span):
            while len(found) < count:
                place = first + len(found) * step
                wanted = count - len(found) if step == 1 else 1
                found += self._run(place % self._size if self._size else place, wanted)
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

    def digest(self, span: Span | None = None) -> str:
        """Tells this database's records and their order from another's, by their number, their first keys and
        the last.

        Raises:
            DataError: the database is broken.
        """
        with self._reading(span):
            with closing(self._store.walk(b"", values=False)) as keys:
                first = list(islice(keys, self._store.cheap))
            parts = repr((self._store.size, first, self._store.last_key())).encode()
        return blake2b(parts, digest_size=8).hexdigest()

    @contextmanager
    def _reading(self, span: Span | None) -> Iterator[None]:
        try:
            try:
                yield
            finally:
                self._store.require_unchanged()
        except self._store.errors as error:
            message = f"cannot read the database '{self._path}': {self._store.said(error)}"
            raise DataError.at(message, span) from error

    def _run(self, place: int, count: int) -> list[Record]:
        """Records from ``place`` up to the end of the database, at most ``count``."""
        key = self._key(place)
        if key is None:
            return []
        with closing(self._store.walk(key, values=True)) as records:
            found = list(islice(records, count))
        if len(found) < count:
            self._end(place + len(found))
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
        self._end(at)
        return None

    def _end(self, count: int) -> None:
        """Notes that there are as many records."""
        if self._store.size not in (None, count):
            raise self._store.errors[0](f"it says that it has {self._store.size} records, but has {count}")
        self._size = count

    def __reduce__(self) -> tuple[Callable[..., Database], tuple[Path, Backend]]:
        return open_database, (self._path, self._backend)


_opened: WeakValueDictionary[tuple[str, int, int], Database] = WeakValueDictionary()
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
    # One that was written anew under the same name, or written to, is another database.
    mark = (path / _MARKS[kind]).stat()
    identity = (str(path.resolve()), mark.st_ino, mark.st_mtime_ns)
    with _opening:
        database = _opened.get(identity)
        if database is None:
            store = _Lmdb(path, span) if kind == "LMDB" else _LevelDb(path, span)
            database = _opened[identity] = Database(path, kind, store)
    return database


def _kind(path: Path) -> Backend | None:
    return next((kind for kind, name in _MARKS.items() if (path / name).is_file()), None)


class _Lmdb:
    cheap = 10000
    errors: tuple[type[Exception], ...] = (LmdbError, OSError)

    def __init__(self, path: Path, span: Span | None) -> None:
        try:
            self._file = LmdbFile(path / _MARKS["LMDB"])
        except self.errors as error:
            raise DataError.at(f"cannot open '{path}' as LMDB: {error}", span) from error
        self.size: int | None = self._file.entries

    def walk(self, start: bytes, *, values: bool) -> Walk:
        for key, value in self._file.walk(start, values=values):
            yield (key, value) if values else key

    def last_key(self) -> bytes:
        return self._file.last_key()

    def require_unchanged(self) -> None:
        self._file.require_unchanged()

    def said(self, error: Exception) -> str:
        return str(error)


class _LevelDb:
    size: int | None = None
    cheap = 100  # whose values are read with them

    def __init__(self, path: Path, span: Span | None) -> None:
        try:
            import plyvel
        except ImportError as error:
            message = f"'{path}' is a LevelDB, which the package plyvel reads; it is not installed"
            help = "pip install plyvel, or convert the database to LMDB"
            raise DataError.at(message, span, help=help) from error
        self.errors: tuple[type[Exception], ...] = (plyvel.Error, OSError)
        # Who opens a LevelDB locks it, writes into its folder and clears it of what is not needed. In a
        # folder of our own, with links to the tables, this disturbs nobody, and nobody's lock disturbs us.
        self._path, self._folder = path, tempfile.mkdtemp(prefix="netspec-leveldb-")
        finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        try:
            link_leveldb(path, Path(self._folder))
            self._database = plyvel.DB(self._folder, paranoid_checks=True)
        except self.errors as error:
            raise DataError.at(f"cannot open '{path}' as LevelDB: {self.said(error)}", span) from error

    def walk(self, start: bytes, *, values: bool) -> Walk:
        iterator = self._database.iterator(start=start or None, include_value=values, verify_checksums=True)
        with iterator:
            yield from iterator

    def last_key(self) -> bytes:
        with self._database.iterator(reverse=True, include_value=False, verify_checksums=True) as keys:
            return next(keys, b"")

    def require_unchanged(self) -> None:
        """Nothing to do: tables never change, and what names them was copied."""

    def said(self, error: Exception) -> str:
        said = error.args[0] if error.args else ""  # plyvel hands on LevelDB's words as bytes
        text = said.decode(errors="backslashreplace") if isinstance(said, bytes) else str(error)
        return text.replace(self._folder, str(self._path))
