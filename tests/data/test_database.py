import copy
import pickle
import subprocess
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
        raise database._store.errors[0]("page is gone")
        yield

    monkeypatch.setattr(database._store, "walk", broken)
    with pytest.raises(DataError, match=r":1:9: error: cannot read the database '.*': page is gone"):
        database.read(0, 1, span)


def test_plyvel_is_not_installed(tmp_path, span, monkeypatch):
    (tmp_path / "CURRENT").write_text("MANIFEST-000001\n")
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(DataError, match=r"plyvel.*not installed\n(.*\n)*   help: pip install plyvel"):
        open_database(tmp_path, "LEVELDB", span)


def test_each_step_th_record(numbers):
    for step in (2, 3, 64, 701):
        expected = [b"%d" % ((5 + place * step) % COUNT) for place in range(9)]
        assert [value for _, value in numbers.read(5, 9, step=step)] == expected


def test_the_digest_tells_databases_apart(write_lmdb, write_leveldb):
    pairs = {b"1": b"a", b"2": b"b", b"3": b"c"}
    digests = [open_database(write_lmdb(pairs, "l0"), "LMDB").digest()]
    others = [{b"1": b"a", b"3": b"c"}, {**pairs, b"0": b"d"}, {}, {b"1": b"a", b"2.5": b"b", b"3": b"c"}]
    for name, other in zip(("l1", "l2", "l3", "l5"), others, strict=True):
        digests.append(open_database(write_lmdb(other, name), "LMDB").digest())
    digests += [
        open_database(write_leveldb(range(count), f"v{count}"), "LEVELDB").digest() for count in (0, 3, 4)
    ]
    assert len(set(digests)) == len(digests)
    again = open_database(write_lmdb(dict.fromkeys(pairs, b"other"), "l4"), "LMDB")
    assert again.digest() == digests[0]


def test_an_lmdb_that_miscounts(write_lmdb, span):
    path = write_lmdb([b"1", b"2"]) / "data.mdb"
    content = bytearray(path.read_bytes())
    for page in (0, 4096):
        if content[page + 120] == 2:  # how many records it says to have
            content[page + 120] = 3
    path.write_bytes(content)
    database = open_database(path.parent, "LMDB")
    with pytest.raises(DataError, match=r":1:9: error: .*says that it has 3 records, but has 2"):
        database.read(0, 3, span)


# Who else has the database open: it says so, waits for a line, and goes.
HOLDERS = {
    "LMDB": """
import lmdb, sys
environment = lmdb.open(sys.argv[1])
with environment.begin(write=True) as transaction:
    transaction.put(b"k9", b"not committed")
    print("open", flush=True)
    sys.stdin.readline()
""",
    "LEVELDB": """
import plyvel, sys
database = plyvel.DB(sys.argv[1])
database.put(b"k9", b"2")
print("open", flush=True)
sys.stdin.readline()
""",
}


@pytest.mark.parametrize("backend", HOLDERS)
def test_a_database_that_another_process_holds_open(backend, request):
    path = request.getfixturevalue(f"write_{backend.lower()}")([b"0", b"1"])
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDERS[backend], str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "open\n"
        files = sorted(path.iterdir())
        database = open_database(path, backend)
        written = [b"2"] if backend == "LEVELDB" else []
        assert _records(database, 0, 2 + len(written)) == [b"0", b"1", *written]
        assert database.size() == 2 + len(written)
        assert sorted(path.iterdir()) == files
        holder.stdin.write("go\n")
    assert holder.returncode == 0


def test_an_lmdb_that_another_process_changes(write_lmdb, span):
    path = write_lmdb([b"0", b"1"])
    database = open_database(path, "LMDB")
    assert _records(database, 0, 2) == [b"0", b"1"]
    code = "import lmdb, sys\nwith lmdb.open(sys.argv[1]).begin(write=True) as t: t.put(b'a', b'first now')"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    with pytest.raises(
        DataError, match=r":1:9: error: .*changed while it was read.*2 records before, 3 after"
    ):
        database.read(0, 2, span)
    assert _records(open_database(path, "LMDB"), 0, 3) == [b"first now", b"0", b"1"]


def test_reading_a_leveldb_leaves_no_traces(write_leveldb, tmp_path, monkeypatch):
    path = write_leveldb([b"0", b"1"])
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    database = open_database(path, "LEVELDB")
    assert _records(database, 0, 2) == [b"0", b"1"]
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before
    assert list(tmp_path.glob("netspec-leveldb-*"))
    del database
    assert not list(tmp_path.glob("netspec-leveldb-*"))


def test_a_table_that_is_damaged(write_leveldb, span):
    path = write_leveldb([b"x" * 1000] * 9)
    __import__("plyvel").DB(str(path)).close()  # what is in the log goes into a table when it is opened
    (table,) = path.glob("*.ldb")
    content = bytearray(table.read_bytes())
    content[100] ^= 1
    table.write_bytes(content)
    with pytest.raises(DataError, match=r":1:9: error: .*Corruption: block checksum mismatch"):
        open_database(path, "LEVELDB").read(0, 9, span)
