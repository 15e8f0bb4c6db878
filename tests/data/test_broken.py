"""Damaged files end in a diagnostic or in the values that are there: in no other error, and no crash."""

from __future__ import annotations

import random
import time

import cv2
import h5py
import lmdb
import numpy as np
import pytest

from netspec.data.annotated_datum import AnnotatedBatches
from netspec.data.database import open_database
from netspec.data.datum import DatumBatches, Records
from netspec.data.hdf5_list import Hdf5Rows, read_hdf5_list
from netspec.data.image_list import ImageList, read_listing
from netspec.data.transformer import Transformer
from netspec.errors import DataError
from netspec.schema.document import load_document
from netspec.schema.messages import AnnotatedDatum, Datum, TransformationParameter
from netspec.text.source import Source

SEED, SLOWEST = 20240917, 5  # seconds
SUFFIXES = (".png", ".jpg", ".bmp", ".webp")


def damage(content, rng):
    """Cut short, with bits flipped, bytes replaced, inserted or taken out, or stretches of zeros or ones."""
    data, place = bytearray(content), rng.randrange(len(content))
    match rng.randrange(6):
        case 0:
            del data[place:]
        case 1:
            for _ in range(rng.choice([1, 1, 3, 20])):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case 2:
            data[place : place + rng.choice([1, 8, 64, 4096])] = rng.randbytes(rng.choice([1, 8, 64, 4096]))
        case 3:
            data[place:place] = rng.randbytes(rng.choice([1, 2, 4, 8]))
        case 4:
            del data[place : place + rng.choice([1, 2, 4, 8])]
        case 5:
            stretch = min(rng.choice([1, 2, 8, 300]), len(data) - place)
            data[place : place + stretch] = bytes([rng.choice([0, 255])]) * stretch
    return bytes(data)


def survives(read, count):
    """Runs ``count`` cases; how many ended in a diagnostic. Each case has its own number in the failure."""
    diagnostics = []
    for case in range(count):
        start = time.perf_counter()
        try:
            read(case)
        except DataError as error:
            diagnostics.append(error.diagnostics[0])
        assert time.perf_counter() - start < SLOWEST, case
    assert all(diagnostic.span or diagnostic.file for diagnostic in diagnostics)
    return len(diagnostics)


@pytest.fixture
def rng():
    return random.Random(SEED)


@pytest.fixture(scope="module")
def values():
    """Records of all kinds."""
    draws = np.random.default_rng(SEED)
    images = draws.integers(256, size=(12, 8, 8, 3)).astype(np.uint8)
    records = [Datum(channels=3, height=8, width=8, data=image.tobytes(), label=1) for image in images[:4]]
    records += [
        Datum(channels=3, height=8, width=8, float_data=image.flatten(), label=2) for image in images[4:6]
    ]
    records += [
        Datum(data=cv2.imencode(SUFFIXES[index % 4], image)[1].tobytes(), encoded=True, label=3)
        for index, image in enumerate(images[6:])
    ]
    return [record.SerializeToString() for record in records]


@pytest.fixture
def transformer():
    document = load_document(Source("net.prototxt", ""), TransformationParameter)
    return Transformer(document.message, document.spans, training=False)


@pytest.fixture
def span():
    from netspec.text.source import Span

    return Span(Source("net.prototxt", 'source: "db"'), 8, 12)


@pytest.fixture
def reader(tmp_path, span):
    """Writes a value into an LMDB, and reads it as a stream does that ``make`` makes."""
    environments = []

    def read(value, make):
        path = tmp_path / f"db{len(environments)}"
        with (
            lmdb.open(str(path), map_size=2**20) as environment,
            environment.begin(write=True) as transaction,
        ):
            transaction.put(b"key", value)
        environments.append(path)
        stream = make(Records(open_database(path, "LMDB"), batch_size=1, span=span))
        images, *_ = stream.batch(0)
        assert stream.shapes[0] == images.shape

    return read


def test_records(values, reader, transformer, rng):
    def read(case):
        value = rng.randbytes(rng.randrange(1, 200)) if case % 5 == 0 else damage(rng.choice(values), rng)
        reader(value, lambda records: DatumBatches(records, transformer))

    assert 200 < survives(read, 300) < 300


def test_annotated_records(values, reader, transformer, rng):
    whole = AnnotatedDatum(type=AnnotatedDatum.BBOX, datum=Datum.FromString(values[0]))
    box = {"xmin": 0.1, "ymin": 0.1, "xmax": 0.5, "ymax": 0.5}
    whole.annotation_group.add(group_label=1).annotation.add(bbox=box)

    def read(case):
        value = damage(whole.SerializeToString(), rng)
        reader(value, lambda records: AnnotatedBatches(records, transformer))

    assert 50 < survives(read, 100) < 100


LIES = [
    {"channels": -1, "height": 8, "width": 8, "data": b"x" * 64},
    {"channels": 2**31 - 1, "height": 2**31 - 1, "width": 2**31 - 1, "data": b"x"},
    {"channels": -1, "height": -1, "width": 1, "data": b"x"},
    {"channels": 2**31 - 1, "height": 2**31 - 1, "width": 4},
    {"channels": 1, "height": 65536, "width": 65536, "data": b"x" * 64},
    {"channels": 3, "height": 8, "width": 8, "float_data": [1.0] * 191},
]


@pytest.mark.parametrize("fields", LIES)
def test_sizes_that_lie(reader, transformer, fields):
    with pytest.raises(DataError, match="record 'key' has the shape"):
        reader(Datum(label=1, **fields).SerializeToString(), lambda r: DatumBatches(r, transformer))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_image_that_is_not_of_the_size_it_is_said_to_have(reader, transformer, suffix):
    data = cv2.imencode(suffix, np.zeros((6, 8, 3), np.uint8))[1].tobytes()
    lie = Datum(channels=3, height=8, width=8, data=data, encoded=True, label=1)
    with pytest.raises(DataError, match=r"its image is 8 x 8 \(height x width\), but it is 6 x 8"):
        reader(lie.SerializeToString(), lambda records: DatumBatches(records, transformer))
    truth = Datum(channels=3, height=6, width=8, data=data, encoded=True, label=1)
    reader(truth.SerializeToString(), lambda records: DatumBatches(records, transformer))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_images_that_are_cut_short(tmp_path, transformer, suffix):
    image = np.random.default_rng(0).integers(256, size=(64, 64, 3)).astype(np.uint8)
    data = cv2.imencode(suffix, image)[1].tobytes()
    for cut in (1, 2, 20, len(data) // 2, len(data) - 30, len(data) - 3):
        (tmp_path / f"image{suffix}").write_bytes(data[:-cut])
        (tmp_path / "list.txt").write_text(f"ok{suffix} 0\nimage{suffix} 1\n")
        with pytest.raises(DataError, match=rf"list\.txt:2:1: error: cannot read image 'image{suffix}'"):
            ImageList(read_listing(tmp_path / "list.txt"), transformer).batch(1)


def test_a_png_that_promises_more_than_it_holds(tmp_path, transformer):
    data = bytearray(cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes())
    for wrong in (b"\x00\x00\x70\x00" * 2, b"\xff\xff\xff\xff" * 2):  # 28672 x 28672, and no size at all
        (tmp_path / "image.png").write_bytes(bytes(data[:16]) + wrong + bytes(data[24:]))
        (tmp_path / "list.txt").write_text("image.png 1\n")
        start = time.perf_counter()
        with pytest.raises(DataError, match="cannot read image"):
            ImageList(read_listing(tmp_path / "list.txt"), transformer).batch(0)
        assert time.perf_counter() - start < 1


def test_lmdb_files(tmp_path, values, rng, span):
    environment = lmdb.open(str(tmp_path / "whole"), map_size=2**24)
    with environment, environment.begin(write=True) as transaction:
        for number in range(200):
            transaction.put(b"%08d" % number, values[number % len(values)] * (1 + 9 * (number % 40 == 0)))
    whole = (tmp_path / "whole" / "data.mdb").read_bytes()

    def read(case):
        folder = tmp_path / f"{case}"
        folder.mkdir()
        (folder / "data.mdb").write_bytes(damage(whole, rng))
        database = open_database(folder, "LMDB", span)
        found = database.read(0, 210, span)
        keys = [key for key, _ in found[: database.size(span)]]
        assert keys == sorted(keys)
        assert len(keys) == 200 or case  # what the head says and what is there agree

    assert 50 < survives(read, 300) < 300


def test_leveldb_files(tmp_path, values, rng, span):
    plyvel = pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")
    for half in (0, 1):  # the first goes into a table, the second stays in the log
        database = plyvel.DB(str(tmp_path / "whole"), create_if_missing=True)
        for number in range(100 * half, 100 * half + 100):
            database.put(b"%08d" % number, values[number % len(values)])
        database.close()
    files = {file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()}
    expected = [values[number % len(values)] for number in range(200)]

    def read(case):
        folder = tmp_path / f"{case}"
        folder.mkdir()
        broken = rng.choice([name for name, content in files.items() if content and "LOG" not in name])
        for name, content in files.items():
            (folder / name).write_bytes(damage(content, rng) if name == broken else content)
        database = open_database(folder, "LEVELDB", span)
        found = database.read(0, 200, span)
        # LevelDB's checksums see all but a log that ends, or a database that began, at another place.
        if database.size(span) == 200:
            assert [value for _, value in found] == expected, case

    assert 50 < survives(read, 120) <= 120


def test_hdf5_files(tmp_path, rng):
    draws = np.random.default_rng(SEED)
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file["data"] = draws.random((20, 3, 4), np.float32)
        file.create_dataset("label", data=np.arange(20.0), chunks=(5,), compression="gzip")
    whole = (tmp_path / "whole.h5").read_bytes()
    (tmp_path / "list.txt").write_text(f"{tmp_path}/broken.h5\n")

    def read(case):
        (tmp_path / "broken.h5").write_bytes(damage(whole, rng))
        files = read_hdf5_list(tmp_path / "list.txt", {"data": None, "label": None})
        stream = Hdf5Rows(files, batch_size=7, shuffle=bool(case % 2))
        for index in range(3):
            assert tuple(top.shape for top in stream.batch(index)) == stream.shapes

    assert 50 < survives(read, 250) < 250
