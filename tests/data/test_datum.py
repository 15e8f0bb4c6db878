from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch

from netspec.data.database import open_database
from netspec.data.datum import DatumBatches, Records
from netspec.data.transformer import Transformer
from netspec.errors import DataError
from netspec.schema.document import load_document
from netspec.schema.messages import BlobProto, Datum, TransformationParameter
from netspec.text.source import Source, Span

COUNT = 7


def _datum(image, label=0, **fields):
    channels, height, width = image.shape
    values = {"data": image.tobytes()} if image.dtype == np.uint8 else {"float_data": image.flatten()}
    made = Datum(channels=channels, height=height, width=width, **values, **fields)
    if label is not None:
        made.label = label
    return made.SerializeToString()


def _encoded(image, label=0, suffix=".png"):
    data = cv2.imencode(suffix, image.transpose(1, 2, 0))[1].tobytes()
    return Datum(data=data, encoded=True, label=label).SerializeToString()


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(256, size=(COUNT, 3, 4, 5)).astype(np.uint8)


@pytest.fixture
def stream(write_lmdb, tmp_path):
    def make(values, text="", training=False, seed=0, **settings):
        source = Source("net.prototxt", text, tmp_path / "net.prototxt")
        document = load_document(source, TransformationParameter)
        transformer = Transformer(document.message, document.spans, training=training, seed=seed)
        span = Span(Source("net.prototxt", 'source: "db"'), 8, 12)
        settings = {"batch_size": 3, "seed": seed, "span": span, **settings}
        labels = settings.pop("labels", True)
        records = Records(open_database(write_lmdb(values), "LMDB"), **settings)
        return DatumBatches(records, transformer, labels=labels)

    return make


def _labels(stream, batches):
    return [int(label) for index in range(batches) for label in stream.batch(index)[1]]


@pytest.mark.parametrize("kind", ["bytes", "floats", "encoded"])
def test_values(stream, images, kind):
    given = images.astype(np.float32) / 3 if kind == "floats" else images
    make = _encoded if kind == "encoded" else _datum
    batches = stream([make(image, label) for label, image in enumerate(given)])
    assert batches.shapes == ((3, 3, 4, 5), (3,))
    data, labels = batches.batch(2)
    assert data.dtype == labels.dtype == torch.float32
    np.testing.assert_array_equal(data, given[[6, 0, 1]].astype(np.float32))
    assert labels.tolist() == [6, 0, 1]


def test_bytes_go_before_floats(stream, images):
    made = Datum.FromString(_datum(images[0]))
    made.float_data.extend([1.5])
    np.testing.assert_array_equal(stream([made.SerializeToString()]).batch(0)[0][0], images[0])


def test_color_of_image_files(stream, images):
    gray = images[0][:1]
    values = [_encoded(gray)]
    assert stream(values).shapes[0] == (3, 1, 4, 5)
    assert stream(values, color=False).shapes[0] == (3, 1, 4, 5)
    colored = stream(values, color=True).batch(0)[0][0]
    np.testing.assert_array_equal(colored, np.repeat(gray, 3, axis=0))
    expected = cv2.imdecode(cv2.imencode(".png", images[0].transpose(1, 2, 0))[1], cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(stream([_encoded(images[0])], color=False).batch(0)[0][0, 0], expected)


def test_transformed_by_the_number_of_the_record(stream, images):
    values = [_datum(image, label) for label, image in enumerate(images)]
    settings = {"text": "crop_size: 2 mirror: true scale: 0.5 mean_value: 7", "training": True, "seed": 5}
    batches, transformer = stream(values, **settings), stream([], **settings)._transformer
    for index in range(6):
        for record, image in enumerate(batches.batch(index)[0], 3 * index):
            wanted = transformer(images[record % COUNT].transpose(1, 2, 0), record)
            np.testing.assert_array_equal(image, wanted)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_is_a_function_of_its_number(stream, images, shuffle):
    values = [_datum(image, label) for label, image in enumerate(images)]
    settings = {"text": "crop_size: 3", "training": True, "seed": 3, "rand_skip": 5, "shuffle": shuffle}
    in_order = [stream(values, **settings).batch(index) for index in range(9)]
    other = stream(values, **settings)
    with ThreadPoolExecutor(4) as pool:
        for index, batch in zip(reversed(range(9)), pool.map(other.batch, reversed(range(9))), strict=True):
            assert all(map(torch.equal, batch, in_order[index]))


def test_rand_skip_starts_later(stream, images):
    values = [_datum(image, label) for label, image in enumerate(images)]
    starts = {_labels(stream(values, rand_skip=3, seed=seed), 1)[0] for seed in range(20)}
    assert starts == {0, 1, 2}


def test_shuffled_passes(stream, images):
    values = [_datum(image, label) for label, image in enumerate(images)]
    labels = _labels(stream(values, shuffle=True, batch_size=COUNT), 4)
    passes = [labels[start : start + COUNT] for start in range(0, len(labels), COUNT)]
    assert all(sorted(order) == list(range(COUNT)) for order in passes)
    assert len({tuple(order) for order in passes}) == 4


def test_images_alone_need_no_labels(stream, images):
    batches = stream([_datum(images[0], None)], labels=False)
    assert batches.shapes == ((3, 3, 4, 5),)
    assert len(batches.batch(0)) == 1
    with pytest.raises(DataError, match=r"record 'k000' has no label\n(.*\n)*.*a single top"):
        stream([_datum(images[0], None)]).batch(0)


def test_crops_make_images_of_other_sizes_fit(stream, images):
    values = [_datum(images[0]), _datum(images[1][:, :3])]
    assert stream(values, "crop_size: 3", batch_size=2).batch(0)[0].shape == (2, 3, 3, 3)
    assert stream(values, batch_size=1).batch(1)[0].shape == (1, 3, 3, 5)
    with pytest.raises(DataError, match=r":1:9: error: record 'k001' is 3x3x5, others of its batch 3x4x5"):
        stream(values, batch_size=2).batch(0)


WRONG = {
    "no Datum: 4 bytes": b"\xff\xff\xff\xff",
    "is no Datum": _datum(np.zeros((1, 5, 5), np.uint8))[:-9],
    "has the shape 0x0x0": b"",
    "has the shape 1x2x2, but 3 values": Datum(
        channels=1, height=2, width=2, data=b"123"
    ).SerializeToString(),
    "has the shape 1x2x2, but 0 values": Datum(channels=1, height=2, width=2).SerializeToString(),
    "has the shape 1x-2x-2": Datum(channels=1, height=-2, width=-2, data=b"1234").SerializeToString(),
    "holds no image of 8 bits": Datum(data=b"123", encoded=True).SerializeToString(),
    "that OpenCV can decode": Datum(encoded=True).SerializeToString(),
}


@pytest.mark.parametrize("message", WRONG)
def test_broken_records_are_named(stream, images, message):
    wrong = WRONG[message]
    wrong = wrong if isinstance(wrong, bytes) else wrong.SerializeToString()
    batches = stream([_datum(images[0]), wrong], batch_size=2)
    assert batches.shapes[0] == (2, 3, 4, 5)
    with pytest.raises(DataError, match=rf"net\.prototxt:1:9: error: record 'k001' .*{message}"):
        batches.batch(0)


def test_long_and_binary_keys(stream):
    with pytest.raises(DataError, match=r"record '\\xff\\xfex{52}\.\.\.' is no Datum"):
        stream({b"\xff\xfe" + b"x" * 200: b"\xff"}).batch(0)


def test_a_mean_of_another_size(stream, images, tmp_path):
    mean = BlobProto(num=1, channels=3, height=2, width=2, data=[0] * 12)
    (tmp_path / "mean.binaryproto").write_bytes(mean.SerializeToString())
    with pytest.raises(DataError, match="the mean image is 3x2x2, the image 3x4x5") as caught:
        stream([_datum(images[0])], 'mean_file: "mean.binaryproto"').shapes  # noqa: B018
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span.column == len("mean_file: ") + 1
    assert diagnostic.notes[0].message == "the image is that of record 'k000'"


def test_an_empty_database(stream):
    for settings in ({}, {"shuffle": True}):
        with pytest.raises(DataError, match="is empty"):
            stream([], **settings).shapes  # noqa: B018
