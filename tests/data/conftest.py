"""Databases, made here."""

from __future__ import annotations

import shutil

import lmdb
import pytest


@pytest.fixture
def write_lmdb(tmp_path):
    """Writes an LMDB, the folder ``name``, of values under the keys k000, k001, .. or of pairs as given."""

    def write(values, name="db", size=2**24):
        pairs = values if isinstance(values, dict) else {b"k%03d" % i: v for i, v in enumerate(values)}
        shutil.rmtree(tmp_path / name, ignore_errors=True)  # who reads what was there keeps it
        environment = lmdb.open(str(tmp_path / name), map_size=size)
        with environment, environment.begin(write=True) as transaction:
            for key, value in pairs.items():
                transaction.put(key, value)
        (tmp_path / name / "lock.mdb").unlink()
        return tmp_path / name

    return write


@pytest.fixture
def write_leveldb(tmp_path):
    """Writes a LevelDB, the folder ``name``, of values under the keys k000, k001, .."""
    plyvel = pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")

    def write(values, name="db"):
        database = plyvel.DB(str(tmp_path / name), create_if_missing=True)
        for index, value in enumerate(values):
            database.put(b"k%03d" % index, value if isinstance(value, bytes) else b"%d" % value)
        database.close()
        return tmp_path / name

    return write
