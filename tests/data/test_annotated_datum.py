import cv2
import numpy as np
import pytest
import torch

from netspec.data.annotated_datum import AnnotatedBatches
from netspec.data.database import open_database
from netspec.data.datum import Records
from netspec.data.transformer import Transformer
from netspec.errors import DataError
from netspec.schema.document import load_document
from netspec.schema.messages import AnnotatedDatum, Datum, TransformationParameter
from netspec.text.source import Source, Span

BBOX = AnnotatedDatum.BBOX


def _record(label, groups, *, encoded=True, type=BBOX, difficult=False):
    """An image full of its label; groups by class, of lists of boxes."""
    image = np.full((10, 20, 3), label, np.uint8)
    datum = Datum(channels=3, height=10, width=20, data=image.transpose(2, 0, 1).tobytes(), label=label)
    if encoded:
        datum = Datum(data=cv2.imencode(".png", image)[1].tobytes(), encoded=True, label=label)
    annotated = AnnotatedDatum(datum=datum)
    if type is not None:
        annotated.type = type
    for group_label, boxes in groups.items():
        group = annotated.annotation_group.add(group_label=group_label)
        for instance, (xmin, ymin, xmax, ymax) in enumerate(boxes):
            box = {"xmin": xmin, "ymin": ymin, "xmax": xmax, "ymax": ymax, "difficult": difficult}
            group.annotation.add(instance_id=instance, bbox=box)
    return annotated.SerializeToString()


@pytest.fixture
def stream(write_lmdb):
    def make(values, text="", batch_size=2, seed=0, training=False, samplers=(), shuffle=False, **settings):
        document = load_document(Source("net.prototxt", text), TransformationParameter)
        transformer = Transformer(
            document.message, document.spans, training=training, seed=seed, samplers=samplers
        )
        span = Span(Source("net.prototxt", 'source: "db"'), 8, 12)
        database = open_database(write_lmdb(values), "LMDB")
        records = Records(database, batch_size=batch_size, seed=seed, shuffle=shuffle, span=span)
        return AnnotatedBatches(records, transformer, **settings)

    return make


TWO = {4: [(0.1, 0.2, 0.3, 0.4), (0.5, 0.5, 1, 1)], 2: [(0, 0, 0.5, 1)]}


def test_rows_of_objects(stream):
    values = [_record(10, TWO), _record(20, {1: [(0.25, 0, 0.5, 0.75)]}, encoded=False, difficult=True)]
    batches = stream(values)
    assert batches.shapes == ((2, 3, 10, 20), (1, 1, 3, 8))
    images, objects = batches.batch(0)
    assert images.dtype == objects.dtype == torch.float32
    assert images.amax(dim=(1, 2, 3)).tolist() == [10, 20]
    expected = [
        [0, 4, 0, 0.1, 0.2, 0.3, 0.4, 0],
        [0, 4, 1, 0.5, 0.5, 1, 1, 0],
        [0, 2, 0, 0, 0, 0.5, 1, 0],
        [1, 1, 0, 0.25, 0, 0.5, 0.75, 1],
    ]
    np.testing.assert_allclose(objects[0, 0], np.float32(expected))


def test_the_number_of_objects_changes(stream):
    batches = stream([_record(0, TWO), _record(1, {}), _record(2, {}), _record(3, {1: [(0, 0, 1, 1)]})])
    shapes = [tuple(batches.batch(index)[1].shape) for index in range(3)]
    assert shapes == [(1, 1, 3, 8), (1, 1, 1, 8), (1, 1, 3, 8)]
    nothing = stream([_record(1, {})])
    assert nothing.shapes[1] == (1, 1, 1, 8)
    assert nothing.batch(0)[1].unique().tolist() == [-1]


def test_images_alone(stream):
    batches = stream([_record(10, TWO)], labels=False)
    assert batches.shapes == ((2, 3, 10, 20),)
    assert len(batches.batch(0)) == 1


def test_records_without_a_type_have_labels(stream):
    values = [_record(label, TWO, type=None) for label in (5, 6)]
    batches = stream(values)
    assert batches.shapes == ((2, 3, 10, 20), (2,))
    assert batches.batch(0)[1].tolist() == [5, 6]
    assert stream(values, typed=True).batch(0)[1].shape == (1, 1, 6, 8)


def test_a_batch_is_a_function_of_its_number(stream):
    text = "crop_h: 6 crop_w: 12 mirror: true expand_param { max_expand_ratio: 2 }"
    values = [_record(label, TWO) for label in range(5)]
    settings = {"training": True, "seed": 3, "shuffle": True}
    in_order = [stream(values, text, **settings).batch(index) for index in range(6)]
    again = stream(values, text, **settings)
    for index in reversed(range(6)):
        assert all(map(torch.equal, again.batch(index), in_order[index]))


def _wrong(**fields):
    wrong = AnnotatedDatum.FromString(_record(1, {1: [(0, 0, 1, 1)]}))
    for name, value in fields.items():
        setattr(wrong.annotation_group[0].annotation[0].bbox, name, value)
    return wrong.SerializeToString()


WRONG = {
    "is no AnnotatedDatum: 4 bytes": b"\xff\xff\xff\xff",
    "is no AnnotatedDatum: it has no datum": b"",
    "says nothing of its type": _record(1, {}, type=None),
    "has an object whose box is not finite": _wrong(xmin=float("nan")),
    "has an object of class 9": _record(1, {9: [(0, 0, 1, 1)]}),
    "holds no image of 8 bits": AnnotatedDatum(
        type=BBOX, datum=Datum(encoded=True, data=b"x")
    ).SerializeToString(),
}


@pytest.mark.parametrize("message", WRONG)
def test_broken_records_are_named(stream, message):
    batches = stream([_record(1, {}), WRONG[message]], classes={1, 2})
    with pytest.raises(DataError, match=rf"net\.prototxt:1:9: error: record 'k001' {message}"):
        batches.batch(0)


def test_a_database_of_plain_datum(stream):
    plain = Datum(channels=1, height=2, width=2, data=b"1234", label=1).SerializeToString()
    with pytest.raises(DataError, match="is no AnnotatedDatum"):
        stream([plain]).shapes  # noqa: B018


def test_an_image_of_another_size_is_named(stream):
    image = np.zeros((4, 4, 3), np.uint8)
    datum = Datum(data=cv2.imencode(".png", image)[1].tobytes(), encoded=True)
    small = AnnotatedDatum(type=BBOX, datum=datum).SerializeToString()
    with pytest.raises(DataError, match="record 'k001' is 3x4x4, others of its batch 3x10x20"):
        stream([_record(1, {}), small]).batch(0)
    assert stream([_record(1, {}), small], "resize_param { height: 5 width: 5 }").batch(0)[0].shape[2:] == (
        5,
        5,
    )
