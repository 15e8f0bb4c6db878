import pytest

from netspec.data.leveldb_files import link_leveldb

plyvel = pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")


@pytest.fixture
def database(tmp_path):
    """A LevelDB with a table, and with records in its log, which run across the log's blocks."""
    path = tmp_path / "db"
    for numbers in (range(30), range(30, 40)):  # what is in the log goes into a table when it is opened
        database = plyvel.DB(str(path), create_if_missing=True)
        for number in numbers:
            database.put(b"%03d" % number, bytes([number]) * 50000)
        database.close()
    return path


def test_tables_are_linked_and_the_rest_is_copied(database, tmp_path):
    before = {file.name: file.stat().st_mtime_ns for file in database.iterdir()}
    folder = tmp_path / "mine"
    folder.mkdir()
    link_leveldb(database, folder)
    assert not {"LOCK", "LOG"} & {file.name for file in folder.iterdir()}
    links = {file.name for file in folder.iterdir() if file.is_symlink()}
    assert links
    assert links == {file.name for file in database.glob("*.ldb")}
    copy = plyvel.DB(str(folder))
    assert [value[0] for _, value in copy] == list(range(40))
    copy.close()
    assert {file.name: file.stat().st_mtime_ns for file in database.iterdir()} == before


@pytest.mark.parametrize("cut", [1, 6, 7, 8, 40000, 60000])
@pytest.mark.parametrize("name", ["*.log", "MANIFEST-*"])
def test_a_log_that_is_cut_short(database, tmp_path, name, cut):
    (log,) = database.glob(name)
    content = log.read_bytes()
    log.write_bytes(content[: max(1, len(content) - cut)])
    (tmp_path / "mine").mkdir()
    with pytest.raises(OSError, match="is cut short or damaged"):
        link_leveldb(database, tmp_path / "mine")


def test_zeros_in_a_log_are_damage(database, tmp_path):
    (log,) = database.glob("*.log")
    content = bytearray(log.read_bytes())
    content[32768 : 32768 + 20] = bytes(20)
    log.write_bytes(content)
    (tmp_path / "mine").mkdir()
    with pytest.raises(OSError, match="is cut short or damaged"):
        link_leveldb(database, tmp_path / "mine")
