import resource
import sys
from pathlib import Path

import lmdb
import pytest

from netspec.data import database_writer
from netspec.data.database import open_database
from netspec.data.database_writer import write_database
from netspec.errors import DataError


@pytest.fixture(params=["LMDB", "LEVELDB"])
def backend(request):
    if request.param == "LEVELDB":
        pytest.importorskip("plyvel", reason="plyvel, which writes LevelDB, is not installed")
    return request.param


def numbers(count, size=10):
    return ((b"%08d" % number, b"%d" % number * size) for number in range(count))


def test_all_records_are_read_back(tmp_path, backend):
    assert write_database(tmp_path / "db", backend, numbers(2500)) == 2500
    database = open_database(tmp_path / "db", backend)
    assert database.size() == 2500
    assert database.read(0, 2500) == list(numbers(2500))
    assert [path.name for path in tmp_path.iterdir()] == ["db"]


def test_no_records(tmp_path, backend):
    assert write_database(tmp_path / "db", backend, []) == 0
    assert open_database(tmp_path / "db", backend).size() == 0


def test_keys_may_come_in_any_order_and_again(tmp_path, backend):
    keys = [b"5", b"1", b"9", b"3", b"5"]
    write_database(tmp_path / "db", backend, [(key, b"%d" % at) for at, key in enumerate(keys)])
    expected = [(b"1", b"1"), (b"3", b"3"), (b"5", b"4"), (b"9", b"2")]
    assert open_database(tmp_path / "db", backend).read(0, 4) == expected


def test_an_lmdb_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(database_writer, "_FIRST_MAP", 2**16)
    write_database(tmp_path / "db", "LMDB", numbers(3000, size=40))
    with lmdb.open(str(tmp_path / "db"), readonly=True, lock=False) as environment:
        assert environment.stat()["entries"] == 3000
        with environment.begin() as transaction:
            assert list(transaction.cursor()) == list(numbers(3000, size=40))


def test_large_records_are_committed_in_smaller_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(database_writer, "_BATCH_BYTES", 1000)
    sizes = [len(batch) for batch in database_writer._batches((b"k", bytes(400)) for _ in range(7))]
    assert sizes == [3, 3, 1]


def test_pages_are_full(tmp_path):
    write_database(tmp_path / "db", "LMDB", ((b"%08d" % number, bytes(900)) for number in range(4000)))
    with lmdb.open(str(tmp_path / "db"), readonly=True, lock=False) as environment:
        assert environment.stat()["leaf_pages"] == 1000


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_what_is_there_stays(tmp_path, backend, make):
    make(tmp_path / "db")
    with pytest.raises(DataError, match=r"db: error: already exists\n   help: remove it first"):
        write_database(tmp_path / "db", backend, numbers(1))
    assert [path.name for path in tmp_path.iterdir()] == ["db"]


def test_what_comes_meanwhile_stays(tmp_path, backend):
    def records():
        yield b"k", b"v"
        (tmp_path / "db").mkdir()

    with pytest.raises(DataError, match="already exists"):
        write_database(tmp_path / "db", backend, records())
    assert [path.name for path in tmp_path.iterdir()] == ["db"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("of the records"), DataError.at("broken")])
def test_what_fails_on_the_way_leaves_nothing(tmp_path, backend, error):
    def records():
        yield from numbers(1500)
        raise error

    with pytest.raises(error if isinstance(error, type) else type(error)) as caught:
        write_database(tmp_path / "db", backend, records())
    assert isinstance(error, type) or caught.value is error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [0, 2**16])
def test_a_full_disk(tmp_path, backend, room):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(DataError, match=r"db: error: cannot be written: \S+"):
            write_database(tmp_path / "db", backend, numbers(9000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_no_folder(tmp_path, backend):
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        write_database(tmp_path / "no" / "db", backend, numbers(1))


@pytest.mark.parametrize("key", [b"", b"k" * 512])
def test_keys_that_lmdb_does_not_take(tmp_path, key):
    with pytest.raises(DataError, match=rf"a key has {len(key)} bytes, and LMDB takes 1 to 511"):
        write_database(tmp_path / "db", "LMDB", [(key, b"")])
    assert list(tmp_path.iterdir()) == []


def test_the_longest_key(tmp_path):
    write_database(tmp_path / "db", "LMDB", [(b"k" * 511, b"v")])
    assert open_database(tmp_path / "db", "LMDB").read(0, 1) == [(b"k" * 511, b"v")]


def test_plyvel_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(DataError, match=r"plyvel, which is not installed\n   help: pip install plyvel"):
        write_database(tmp_path / "db", "LEVELDB", numbers(1))
    assert list(tmp_path.iterdir()) == []
