"""Reads the file of an LMDB, page by page.

LMDB's own library maps the file and trusts what it finds: a damaged page, or a file that is cut short while
it is mapped, ends the process. Here each page, each node and each length is held against the file before it
is used. The format is that of LMDB 0.9, for machines of 64 bits and little endian: a B+ tree of pages, the
last two of whose versions have their root in pages 0 and 1.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from weakref import finalize

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_NONE = 2**64 - 1  # the number of no page
_HEADER = 16  # bytes at the head of each page
_BRANCH, _LEAF, _OVERFLOW, _META = 1, 2, 4, 8  # kinds of pages
_KINDS = _BRANCH | _LEAF | _OVERFLOW | _META | 0x20
_ON_OTHER_PAGES, _NO_PLAIN_VALUE = 1, 6  # of a node: where its value lies; a database or several values
_DEEPEST = 32
_PAGE_SIZES = tuple(2**power for power in range(8, 17))

_page = struct.Struct("<QHHHH")  # number, padding, kind, end of the node pointers, start of the nodes
_overflow = struct.Struct("<QHHI")  # number, padding, kind, how many pages
_node = struct.Struct("<HHHH")  # two words and a flag of size or page, length of the key
# Magic number, version, address, size of the map, then of two databases, free pages' and the main one, what
# is used of the first (the size of a page, which it keeps for both) and all of the second; last page,
# transaction.
_meta = struct.Struct("<II 16x I44x 4xHH24xQQ QQ")
_KEPT = 256  # decoded pages in memory


class LmdbError(Exception):
    """The file is no LMDB, is damaged, or was changed while it was read."""


class _Root(NamedTuple):
    """What one version of the database says about itself."""

    page_size: int
    flags: int
    depth: int
    entries: int
    root: int
    last: int
    transaction: int


class _Node(NamedTuple):
    """An entry of a page: a key, and its value, or in a branch the page with the keys from it on."""

    key: bytes
    page: int  # also that of a value that has pages of its own
    size: int
    value: bytes | None


class LmdbFile:
    """The records of an LMDB's main database, in its order, as they were when it was opened. Thread-safe.

    It neither takes nor looks at a lock. Another process may hold the database open, and may be writing, so
    long as nothing is committed: that could reuse the pages that are read here, and is an error.

    Attributes:
        entries: how many records there are.
        close: closes the file, which happens by itself once nobody reads it any more.

    Raises:
        OSError: the file cannot be read.
        LmdbError: it is no LMDB, or is damaged; from all methods too.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.close = finalize(self, self._file.close)
        self._lock = Lock()
        try:
            self._root = self._newest()
            self._check_root()
        except BaseException:
            self.close()
            raise
        self.entries = self._root.entries
        self._pages: dict[tuple[int, int], list[_Node]] = {}

    def walk(self, start: bytes, *, values: bool) -> Iterator[tuple[bytes, bytes]]:
        """The records from the key ``start`` on; without ``values``, these are empty."""
        if self._root.root == _NONE:
            return
        last = None
        for node in self._nodes(self._root.root, self._root.depth, start):
            if last is not None and node.key <= last:
                raise LmdbError(f"its keys are out of order: {node.key!r} comes after {last!r}")
            last = node.key
            yield node.key, self._value(node) if values else b""

    def last_key(self) -> bytes:
        """The last key; empty where there are no records."""
        page, depth = self._root.root, self._root.depth
        while page != _NONE:
            nodes = self._decoded(page, depth)
            if depth == 1:
                return nodes[-1].key
            page, depth = nodes[-1].page, depth - 1
        return b""

    def require_unchanged(self) -> None:
        """Raises where another process has committed something since the database was opened."""
        now = self._newest()
        if now.transaction != self._root.transaction:
            message = "it was changed while it was read: its records and their order may be others now"
            raise LmdbError(f"{message} ({self.entries} records before, {now.entries} after)")

    # --------------------------------------------------------------------------------------------------

    def _check_root(self) -> None:
        needed = (self._root.last + 1) * self._root.page_size
        found = os.fstat(self._file.fileno()).st_size
        if found < needed:
            raise LmdbError(f"the file is cut short: expected {needed} bytes, found {found}")
        if self._root.flags:
            raise LmdbError("its keys have an order of their own, or several values each")

    def _newest(self) -> _Root:
        """The newer of the two versions."""
        first = _read_meta(self._read(0, _HEADER + _meta.size))
        second = _read_meta(self._read(first.page_size, _HEADER + _meta.size))
        if second.page_size != first.page_size:
            raise LmdbError("its first two pages contradict each other")
        return max(first, second, key=lambda root: root.transaction)

    def _nodes(self, page: int, depth: int, start: bytes) -> Iterator[_Node]:
        """The records below a page, from the key ``start`` on."""
        nodes = self._decoded(page, depth)
        if depth == 1:
            yield from nodes[bisect_left(nodes, start, key=_key) :]
            return
        first = bisect_right(nodes, start, 1, key=_key) - 1  # a branch need not keep its first key
        for index in range(first, len(nodes)):
            yield from self._nodes(nodes[index].page, depth - 1, start if index == first else b"")

    def _decoded(self, page: int, depth: int) -> list[_Node]:
        """The entries of a page; 1 is the depth of the pages that hold records."""
        nodes = self._pages.get((page, depth))
        if nodes is None:
            content = self._read_pages(page, 1)
            nodes = _decode(content, page, _LEAF if depth == 1 else _BRANCH)
            if len(self._pages) >= _KEPT:
                self._pages = {}
            self._pages[page, depth] = nodes
        return nodes

    def _value(self, node: _Node) -> bytes:
        if node.value is not None:
            return node.value
        count = -(-(_HEADER + node.size) // self._root.page_size)
        content = self._read_pages(node.page, count)
        number, _, kind, pages = _overflow.unpack_from(content)
        if number != node.page or kind & _KINDS != _OVERFLOW or pages < count:
            raise LmdbError(f"page {node.page} is damaged: expected a value of {node.size} bytes")
        return content[_HEADER : _HEADER + node.size]

    def _read_pages(self, page: int, count: int) -> bytes:
        if page + count > self._root.last + 1:
            raise LmdbError(f"there is no page {page + count - 1}: the last is {self._root.last}")
        return self._read(page * self._root.page_size, count * self._root.page_size)

    def _read(self, offset: int, count: int) -> bytes:
        if hasattr(os, "pread"):
            content = os.pread(self._file.fileno(), count, offset)
        else:
            with self._lock:
                self._file.seek(offset)
                content = self._file.read(count)
        if len(content) < count:
            end = offset + len(content)
            raise LmdbError(f"the file is cut short: expected {offset + count} bytes, found {end}")
        return content


def _read_meta(content: bytes) -> _Root:
    _, _, kind, _, _ = _page.unpack_from(content)
    magic, version, page_size, flags, depth, entries, root, last, transaction = _meta.unpack_from(
        content, _HEADER
    )
    if magic != _MAGIC or not kind & _META:
        raise LmdbError("it does not begin as an LMDB of a machine like this one does")
    if version != _VERSION:
        raise LmdbError(f"it has version {version} of the format, not {_VERSION}")
    empty = root == _NONE
    if page_size not in _PAGE_SIZES or empty != (depth == 0) or depth > _DEEPEST or empty != (entries == 0):
        raise LmdbError("its first pages are damaged")
    return _Root(page_size, flags, depth, entries, root, last, transaction)


def _decode(content: bytes, page: int, kind: int) -> list[_Node]:
    """The entries of a page that holds records, or of a branch.

    Raises:
        LmdbError: it is no such page, or is damaged.
    """
    number, _, found, lower, upper = _page.unpack_from(content)
    count = (lower - _HEADER) // 2
    if number != page or found & _KINDS != kind or count < 1 or not lower <= upper <= len(content):
        raise LmdbError(f"page {page} is damaged: its head is not that of a {_NAMES[kind]}")
    places = struct.unpack_from(f"<{count}H", content, _HEADER)
    if min(places) < upper or max(places) + _node.size > len(content):
        raise LmdbError(f"page {page} is damaged: an entry lies outside of it")
    return [_entry(content, page, place, kind) for place in places]


def _entry(content: bytes, page: int, place: int, kind: int) -> _Node:
    low, high, flags, key_size = _node.unpack_from(content, place)
    start = place + _node.size
    key = content[start : start + key_size]
    if len(key) < key_size:
        raise LmdbError(f"page {page} is damaged: a key reaches beyond it")
    if kind == _BRANCH:
        return _Node(key, low | high << 16 | flags << 32, 0, None)
    size, start = low | high << 16, start + key_size
    if flags & _NO_PLAIN_VALUE:
        raise LmdbError(f"it holds no plain value under {key!r}, but a database or several values")
    length = 8 if flags & _ON_OTHER_PAGES else size
    value = content[start : start + length]
    if len(value) < length:
        raise LmdbError(f"page {page} is damaged: a value reaches beyond it")
    if flags & _ON_OTHER_PAGES:
        return _Node(key, int.from_bytes(value, "little"), size, None)
    return _Node(key, page, size, value)


_key = attrgetter("key")
_NAMES = {_BRANCH: "branch", _LEAF: "leaf"}
