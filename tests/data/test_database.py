import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from netspec.data.database import open_database
from netspec.errors import DataError
from netspec.text.source import Source, Span

COUNT = 700


def _records(database, first, count):
    return [value for _, value in database.read(first, count)]


@pytest.fixture
def span():
    return Span(Source("net.prototxt", 'source: "db"'), 8, 12)


@pytest.fixture
def write_leveldb(tmp_path):
    plyvel = pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")

    def write(values, name="db"):
        database = plyvel.DB(str(tmp_path / name), create_if_missing=True)
        for index, value in enumerate(values):
            database.put(b"k%03d" % index, value)
        database.close()
        return tmp_path / name

    return write


@pytest.fixture(params=["LMDB", "LEVELDB"])
def numbers(request):
    """A database of the numbers 0 to COUNT - 1."""
    write = request.getfixturevalue(f"write_{request.param.lower()}")
    return open_database(write([b"%d" % number for number in range(COUNT)]), request.param)


def test_records_in_the_order_of_keys_over_and_over(numbers):
    assert numbers.read(0, 2) == [(b"k000", b"0"), (b"k001", b"1")]
    assert _records(numbers, 695, 10) == [b"%d" % (number % COUNT) for number in range(695, 705)]
    assert _records(numbers, 5, 3 * COUNT) == [b"%d" % (number % COUNT) for number in range(5, 5 + 3 * COUNT)]
    assert numbers.size() == COUNT


def test_keys_are_sorted_as_bytes(write_lmdb):
    path = write_lmdb({b"b": b"3", b"10": b"1", b"a\xff": b"2", b"9": b"1.5"})
    assert _records(open_database(path, "LMDB"), 0, 4) == [b"1", b"1.5", b"2", b"3"]


@pytest.mark.parametrize("first", [0, 1, 255, 256, 257, 511, 699, 700, 12345])
def test_any_place_at_once(numbers, first):
    assert _records(numbers, first, 3) == [b"%d" % (number % COUNT) for number in range(first, first + 3)]


def test_size_before_anything_is_read(numbers):
    assert numbers.size() == COUNT
    assert _records(numbers, 7 * COUNT + 3, 1) == [b"3"]


def test_threads(numbers):
    places = [37 * index % 2100 for index in range(300)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: _records(numbers, place, 5), places))
    assert found == [[b"%d" % ((place + i) % COUNT) for i in range(5)] for place in places]


def test_within_a_process_a_database_is_shared(numbers):
    again = pickle.loads(pickle.dumps(numbers))
    assert again is numbers is copy.deepcopy({"held": numbers})["held"]


def test_a_database_may_be_written_anew(write_lmdb):
    for value in (b"old", b"new"):
        assert _records(open_database(write_lmdb([value]), "LMDB"), 0, 1) == [value]
    held = open_database(write_lmdb([b"old"]), "LMDB")
    assert _records(open_database(write_lmdb([b"newer"]), "LMDB"), 0, 1) == [b"newer"]
    assert _records(held, 0, 1) == [b"old"]


def test_a_read_only_folder_will_do(write_lmdb):
    path = write_lmdb([b"1"])
    assert _records(open_database(path, "LMDB"), 0, 1) == [b"1"]
    assert [entry.name for entry in path.iterdir()] == ["data.mdb"]


def test_empty(write_lmdb, write_leveldb, span):
    for path, backend in ((write_lmdb([], "l"), "LMDB"), (write_leveldb([], "v"), "LEVELDB")):
        database = open_database(path, backend)
        with pytest.raises(DataError, match=r"net\.prototxt:1:9: error: the database '.*' is empty"):
            database.read(0, 1, span)
        assert database.size() == 0


def test_the_other_backend(write_lmdb, write_leveldb, span):
    lmdb, leveldb = write_lmdb([b"1"], "l"), write_leveldb([b"1"], "v")
    with pytest.raises(DataError, match=r"is a database of LMDB, not of LevelDB\n(.*\n)*.*backend: LMDB"):
        open_database(lmdb, "LEVELDB", span)
    with pytest.raises(DataError, match=r"is a database of LevelDB, not of LMDB\n(.*\n)*.*backend: LEVELDB"):
        open_database(leveldb, "LMDB", span)


def test_no_database(tmp_path, span):
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path, tmp_path / "file", tmp_path / "none"):
        for backend, name, mark in (("LMDB", "LMDB", r"data\.mdb"), ("LEVELDB", "LevelDB", "CURRENT")):
            with pytest.raises(DataError, match=rf"is no {name} database\n(.*\n)*.*the file {mark}"):
                open_database(path, backend, span)


def test_garbage(tmp_path, span):
    (tmp_path / "data.mdb").write_bytes(b"garbage" * 9999)
    with pytest.raises(DataError, match=r"net\.prototxt:1:9: error: cannot open '.*' as LMDB"):
        open_database(tmp_path, "LMDB", span)


def test_an_lmdb_that_is_cut_short(write_lmdb, span):
    path = write_lmdb([b"x" * 1000] * 50) / "data.mdb"
    whole = path.read_bytes()
    path.write_bytes(whole[:20480])
    with pytest.raises(DataError, match=rf"is cut short: expected {len(whole)} bytes, found 20480"):
        open_database(path.parent, "LMDB", span)


def test_a_leveldb_that_is_broken(write_leveldb, span):
    path = write_leveldb([b"1"])
    (path / "CURRENT").write_text("MANIFEST-999999\n")
    with pytest.raises(DataError, match=r"cannot open '.*' as LevelDB"):
        open_database(path, "LEVELDB", span)


def test_an_error_while_reading(write_lmdb, span, monkeypatch):
    database = open_database(write_lmdb([b"1"]), "LMDB")

    def broken(*_, **__):
        raise database._store.error("page is gone")
        yield

    monkeypatch.setattr(database._store, "walk", broken)
    with pytest.raises(DataError, match=r":1:9: error: cannot read the database '.*': page is gone"):
        database.read(0, 1, span)


def test_plyvel_is_not_installed(tmp_path, span, monkeypatch):
    (tmp_path / "CURRENT").write_text("MANIFEST-000001\n")
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(DataError, match=r"plyvel.*not installed\n(.*\n)*   help: pip install plyvel"):
        open_database(tmp_path, "LEVELDB", span)
