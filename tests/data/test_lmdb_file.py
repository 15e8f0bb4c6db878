"""Held against the lmdb package, which maps files and is written in C."""

from __future__ import annotations

import random
import struct

import lmdb
import pytest

from netspec.data.lmdb_file import LmdbError, LmdbFile


@pytest.fixture
def make(tmp_path):
    """An LMDB of pairs, and its file."""

    def make(pairs, name="db"):
        environment = lmdb.open(str(tmp_path / name), map_size=2**26)
        with environment, environment.begin(write=True) as transaction:
            for key, value in pairs:
                transaction.put(key, value)
        return tmp_path / name / "data.mdb"

    return make


def _pairs(rng, count):
    sizes = [0, 1, 10, 500, 2000, 2030, 5000, 70000] if count < 500 else [50]
    return [
        (rng.randbytes(rng.choice([1, 3, 8, 40, 300])), rng.randbytes(rng.choice(sizes)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100, 3000])
def test_the_same_as_lmdb_reads(make, count):
    rng = random.Random(count)
    path = make(_pairs(rng, count))
    with lmdb.open(str(path.parent)) as environment:
        for _ in range(3):  # what is deleted leaves gaps, and pages that are merged
            with environment.begin(write=True) as transaction:
                keys = [key for key, _ in transaction.cursor()]
                for key in rng.sample(keys, len(keys) // 3):
                    transaction.delete(key)
        with environment.begin() as transaction:
            expected = list(transaction.cursor())
    file = LmdbFile(path)
    assert file.entries == len(expected)
    assert list(file.walk(b"", values=True)) == expected
    assert file.last_key() == (expected[-1][0] if expected else b"")
    for place in rng.sample(range(len(expected)), min(20, len(expected))):
        start = expected[place][0]
        assert [key for key, _ in file.walk(start, values=False)] == [key for key, _ in expected[place:]]
        after = [key for key, _ in expected if key >= start + b"\0"]
        assert [key for key, _ in file.walk(start + b"\0", values=False)] == after
    file.close()


def test_what_another_process_commits_is_noticed(make):
    path = make([(b"a", b"1")])
    file = LmdbFile(path)
    with lmdb.open(str(path.parent)) as environment:
        with environment.begin(write=True) as transaction:
            transaction.put(b"b", b"2")
            file.require_unchanged()  # not committed yet
        with pytest.raises(LmdbError, match=r"changed while it was read.*1 records before, 2 after"):
            file.require_unchanged()
    assert LmdbFile(path).entries == 2


HEADS = {
    "does not begin as an LMDB": (16, b"\0\0\0\0"),
    "version 999": (20, struct.pack("<I", 999)),
    "first pages are damaged": (40, struct.pack("<I", 4095)),
    "keys have an order of their own": (92, struct.pack("<H", 2)),
}


@pytest.mark.parametrize("message", HEADS)
def test_heads(make, message):
    path = make([(b"a", b"1")])
    content = bytearray(path.read_bytes())
    place, wrong = HEADS[message]
    for page in (0, 4096):
        content[page + place : page + place + len(wrong)] = wrong
    path.write_bytes(content)
    with pytest.raises(LmdbError, match=message):
        LmdbFile(path)


def test_no_loop_and_no_twice(make):
    """A branch that leads to one page twice, or to itself, is damaged."""
    path = make([(b"%06d" % number, b"x" * 20) for number in range(2000)])
    content = bytearray(path.read_bytes())
    root = LmdbFile(path)._root
    place = root.root * 4096
    first, second = struct.unpack_from("<HH", content, place + 16)
    content[place + second : place + second + 6] = content[place + first : place + first + 6]
    path.write_bytes(content)
    with pytest.raises(LmdbError, match="keys are out of order"):
        list(LmdbFile(path).walk(b"", values=False))
    struct.pack_into("<HHH", content, place + second, root.root, 0, 0)
    path.write_bytes(content)
    with pytest.raises(LmdbError, match="its head is not that of a leaf"):
        list(LmdbFile(path).walk(b"", values=False))


def test_cut_short_while_open(make):
    path = make([(b"%03d" % number, b"x" * 5000) for number in range(50)])
    file = LmdbFile(path)
    with path.open("r+b") as opened:
        opened.truncate(20 * 4096)
    with pytest.raises(LmdbError, match="cut short"):
        list(file.walk(b"", values=True))
