import shutil
from pathlib import Path

import lmdb
import numpy as np
import pytest

from netspec import compile_net
from netspec.errors import DataError
from netspec.schema.messages import Datum

GOLDEN = Path(__file__).parents[1] / "golden" / "data"
FIELDS = 'type: "Data" data_param { source: "db" backend: LMDB batch_size: 4'


@pytest.mark.parametrize("place", ["in the folder", "elsewhere"])
@pytest.mark.parametrize("case", ["lmdb_raw", "lmdb_encoded", "lmdb_mean_file_crop", "leveldb_gray"])
def test_golden(case, place, monkeypatch, tmp_path):
    if case.startswith("leveldb"):
        pytest.importorskip("plyvel", reason="plyvel, which reads LevelDB, is not installed")
    folder = tmp_path / "data"
    shutil.copytree(GOLDEN, folder)  # who opens a LevelDB writes into it
    monkeypatch.chdir(folder if place == "in the folder" else tmp_path)
    net = compile_net(folder / f"data_{case}.prototxt")
    recorded = np.load(folder / f"data_{case}.npz")
    for index in range(4):
        out = net()
        for top in ("data", "label"):
            np.testing.assert_array_equal(out[top], recorded[f"batch/{index}/{top}"])
    assert list(net.blobs.values()) == [recorded[f"batch/0/{top}"].shape for top in ("data", "label")]
    net.close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A database "db" of six images of 4 x 6, full of their labels, here."""
    monkeypatch.chdir(tmp_path)
    with lmdb.open("db") as environment, environment.begin(write=True) as transaction:
        for label in range(6):
            made = Datum(channels=1, height=4, width=6, data=bytes([label] * 24), label=label)
            transaction.put(b"%d" % label, made.SerializeToString())
    return tmp_path


def test_tops(build, folder):
    layer = build(f"{FIELDS} }} transform_param {{ crop_size: 3 }}", tops=2)
    assert layer.shapes == [(4, 1, 3, 3), (4,)]
    data, labels = layer.stream(0).batch(1)
    assert data[:, 0, 0, 0].tolist() == labels.tolist() == [4, 5, 0, 1]
    assert build(f"{FIELDS} }}").shapes == [(4, 1, 4, 6)]


def test_prefetch_says_how_many_batches_are_drawn_early(build, folder):
    assert build(f"{FIELDS} }}").ahead == 4
    assert build(f"{FIELDS} prefetch: 9 }}").ahead == 9
    assert build(f"{FIELDS} prefetch: 0 }}").ahead == 1


def test_a_net_draws_as_many_early(folder, compile_text):
    net = compile_text(f'layer {{ name: "d" top: "x" {FIELDS} prefetch: 9 }} }}')
    assert net.data["d"]._ahead == 9
    net.close()


def test_rand_skip_and_shuffle(build, folder):
    first = {
        float(build(f"{FIELDS} rand_skip: 2 }}").stream(seed).batch(0)[0][0].max()) for seed in range(20)
    }
    assert first == {0, 1}
    layer = build(f"{FIELDS} shuffle: true }}", tops=2)
    assert len({tuple(layer.stream(seed).batch(0)[1].tolist()) for seed in range(9)}) > 5


@pytest.mark.parametrize(
    ("fields", "channels"),
    [
        ("}", 1),
        ("force_encoded_color: true }", 3),
        ("} transform_param { force_color: true }", 3),
        ("} transform_param { force_gray: true }", 1),
    ],
)
def test_color_of_image_files(build, tmp_path, monkeypatch, fields, channels):
    monkeypatch.chdir(tmp_path)
    png = next(path for path in sorted((GOLDEN / "images").iterdir()) if path.suffix == ".png").read_bytes()
    values = {b"0": Datum(data=png, encoded=True, label=1)}
    if "gray" not in fields:  # a gray file
        import cv2

        gray = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        values = {b"0": Datum(data=cv2.imencode(".png", gray)[1].tobytes(), encoded=True, label=1)}
    with lmdb.open("db") as environment, environment.begin(write=True) as transaction:
        transaction.put(b"0", values[b"0"].SerializeToString())
    assert build(f"{FIELDS} {fields}", tops=2).shapes[0][1] == channels


def test_two_nets_share_a_database(folder, compile_text):
    layer = 'layer { name: "d" top: "x" top: "t" ' + FIELDS + " } }"
    nets = [compile_text(layer, phase=phase) for phase in ("TRAIN", "TEST")]
    assert [net()["t"].tolist() for net in nets for _ in range(2)] == [[0, 1, 2, 3], [4, 5, 0, 1]] * 2
    for net in nets:
        net.close()


def test_refused(rejects, folder):
    both = "force_encoded_color: true } transform_param { force_gray: true }"
    rejects("cannot be forced to color and to gray", "true", f"{FIELDS} {both}")
    rejects("crop_size 5 is larger", "5", f"{FIELDS} }} transform_param {{ crop_size: 5 }}", error=DataError)
    rejects(
        "is a database of LMDB, not of LevelDB",
        '"db"',
        FIELDS.replace("LMDB", "LEVELDB") + "}",
        error=DataError,
    )
    rejects("is a database of LMDB", '"db"', FIELDS.replace("backend: LMDB", "") + "}", error=DataError)
    (folder / "none").mkdir()
    rejects("is no LMDB database", '"none"', FIELDS.replace('"db"', '"none"') + "}", error=DataError)
    rejects("takes 1 to 2 tops, not 3", '"t2"', f"{FIELDS} }}", tops=3)


def test_threads_of_nvidia_s_fork(folder, compile_text):
    net = compile_text(f'layer {{ name: "d" top: "x" {FIELDS} threads: 6 }} }}')
    assert (net.data["d"]._workers, net.data["d"]._ahead) == (6, 6)
    net.close()


def test_in_training_each_process_reads_its_share(build, folder, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    seen = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        stream = build(f"{FIELDS} }}", tops=2, training=True).stream(0)
        seen.append([int(label) for index in range(3) for label in stream.batch(index)[1]])
        tested = build(f"{FIELDS} }}", tops=2).stream(0)
        assert tested.batch(0)[1].tolist() == [0, 1, 2, 3]  # a test sees all
    assert seen == [[0, 2, 4] * 4, [1, 3, 5] * 4]
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(DataError, match="there is no rank 2 among 2 processes"):
        build(f"{FIELDS} }}", training=True)


def test_images_of_changing_sizes_one_by_one(folder, compile_text):
    """As in Caffe, a batch of one may have any size; a trainer feeds what it drew."""
    with lmdb.open("sizes") as environment, environment.begin(write=True) as transaction:
        for number, side in enumerate((4, 6, 5)):
            made = Datum(channels=1, height=4, width=side, data=bytes(4 * side), label=number)
            transaction.put(b"%d" % number, made.SerializeToString())
    fields = FIELDS.replace("batch_size: 4", "batch_size: 1").replace('"db"', '"sizes"')
    net = compile_text(
        f'layer {{ name: "d" top: "x" {fields} }} }} layer {{ name: "p" type: "Power" bottom: "x" top: "y" }}'
    )
    assert [net()["y"].shape[3] for _ in range(3)] == [4, 6, 5]
    batches = [net.data["d"].next()[0] for _ in range(3)]
    assert [net(x=batch)["y"].shape[3] for batch in batches] == [4, 6, 5]
    net.close()


def test_an_empty_database(rejects, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lmdb.open("db").close()
    rejects("the database 'db' is empty", '"db"', f"{FIELDS} }}", error=DataError)
    rejects("the database 'db' is empty", '"db"', f"{FIELDS} shuffle: true }}", error=DataError)


def test_fields_that_are_not_honoured(rejects, folder):
    rejects("crop_width is read by ImageSegData", "3", f"{FIELDS} }} transform_param {{ crop_width: 3 }}")
    rejects(
        "resize_param asks for height",
        "resize_param",
        f"{FIELDS} }} transform_param {{ resize_param: {{ }} }}",
    )


def test_resized_as_the_forks_do(build, folder):
    text = f"{FIELDS} }} transform_param {{ resize_param {{ height: 8 width: 10 }} crop_h: 7 crop_w: 9 }}"
    assert build(text).shapes == [(4, 1, 7, 9)]
