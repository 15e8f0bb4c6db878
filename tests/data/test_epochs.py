"""Nothing is lost and nothing repeated: each source, each number of workers, each number of processes."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import cv2
import h5py
import numpy as np
import pytest
import torch

from netspec.data.annotated_datum import AnnotatedBatches
from netspec.data.database import open_database
from netspec.data.datum import DatumBatches, Records
from netspec.data.feed import Feed
from netspec.data.hdf5_list import Hdf5Rows, read_hdf5_list
from netspec.data.image_list import ImageList, read_listing
from netspec.data.image_pairs import ImagePairs, PairTransformer, read_pairs
from netspec.data.images import ImageFiles
from netspec.data.share import Share
from netspec.data.transformer import Transformer
from netspec.schema.document import load_document
from netspec.schema.messages import AnnotatedDatum, Datum, TransformationParameter
from netspec.text.source import Source

COUNT = 23  # records of an epoch, and no batch size below divides it


@pytest.fixture
def transformer():
    document = load_document(Source("transform", "crop_size: 2 mirror: true"), TransformationParameter)
    return Transformer(document.message, document.spans, training=True, seed=1)


@pytest.fixture
def lists(tmp_path):
    """Images of 3 x 3, each with its number for a label, in a list; and HDF5 files of as many rows."""
    lines = []
    for number in range(COUNT):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((3, 3, 3), number, np.uint8))
        lines.append(f"{tmp_path / str(number)}.png {number}\n")
    (tmp_path / "images.txt").write_text("".join(lines))
    (tmp_path / "files.txt").write_text("".join(f"{tmp_path}/{first}.h5\n" for first in (0, 9, 10)))
    for first, last in ((0, 9), (9, 10), (10, COUNT)):
        with h5py.File(tmp_path / f"{first}.h5", "w") as file:
            file["label"] = np.arange(first, last, dtype=np.float32)
    return tmp_path


def _datum(number):
    image = np.full((3, 3, 3), number, np.uint8)
    return Datum(channels=3, height=3, width=3, data=image.tobytes(), label=number)


@pytest.fixture
def make(request, transformer, lists, write_lmdb):
    """Makes the stream of a source: (source, share, settings)."""

    def records(kind, share, batch_size, shuffle):
        if kind == "leveldb":
            path = request.getfixturevalue("write_leveldb")(
                [_datum(n).SerializeToString() for n in range(COUNT)]
            )
        elif kind == "annotated":
            path = write_lmdb([AnnotatedDatum(datum=_datum(n)).SerializeToString() for n in range(COUNT)])
        else:
            path = write_lmdb([_datum(number).SerializeToString() for number in range(COUNT)])
        database = open_database(path, "LEVELDB" if kind == "leveldb" else "LMDB")
        return Records(database, batch_size=batch_size, seed=5, shuffle=shuffle, share=share)

    def make(kind, share=None, batch_size=5, shuffle=False):
        settings = {"batch_size": batch_size, "seed": 5, "shuffle": shuffle, "share": share}
        if kind == "annotated":
            return AnnotatedBatches(records(kind, share, batch_size, shuffle), transformer)
        if kind in ("lmdb", "leveldb"):
            return DatumBatches(records(kind, share, batch_size, shuffle), transformer)
        if kind == "hdf5":
            return Hdf5Rows(read_hdf5_list(lists / "files.txt", {"label": None}), **settings)
        if kind == "images":
            return ImageList(read_listing(lists / "images.txt"), transformer, **settings)
        pairs, pixels = read_pairs(lists / "images.txt", "IMAGE"), PairTransformer(training=True)
        return ImagePairs(pairs, ImageFiles([lists]), pixels, "IMAGE", parts=2, **settings)

    return make


SOURCES = ["lmdb", "leveldb", "annotated", "hdf5", "images", "pairs"]


def _labels(batch):
    return [int(label) for label in (batch[-1] if batch[-1].ndim < 4 else batch[-1][:, 0, 0, 0])]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", SOURCES)
def test_each_worker_count_gives_the_same_batches(make, kind, shuffle):
    expected = [make(kind, shuffle=shuffle).batch(index) for index in range(14)]
    labels = list(chain.from_iterable(map(_labels, expected)))
    for epoch in range(3):
        assert sorted(labels[epoch * COUNT : (epoch + 1) * COUNT]) == list(range(COUNT))
    for workers in (1, 2, 4, 8):
        feed = Feed(make(kind, shuffle=shuffle), workers=workers, ahead=8)
        for batch in expected:
            assert all(map(torch.equal, feed.next(), batch))
        feed.close()


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", SOURCES)
def test_together_the_ranks_read_each_record_once_an_epoch(make, kind, shuffle, size):
    alone = make(kind, shuffle=shuffle, batch_size=1)
    order = [_labels(alone.batch(index))[0] for index in range(3 * COUNT + 3 * size)]
    dealt = {}
    for rank in range(size):
        stream = make(kind, Share(rank, size), shuffle=shuffle, batch_size=3)
        labels = [_labels(stream.batch(index)) for index in range(COUNT // size + 2)]
        assert {len(batch) for batch in labels} == {3}  # the batch size of the text
        assert stream.shapes[0][0] == 3
        for place, label in enumerate(chain.from_iterable(labels)):
            dealt[rank + place * size] = label
    for epoch in range(3):
        records = range(epoch * COUNT, (epoch + 1) * COUNT)
        assert Counter(dealt[record] for record in records) == Counter(range(COUNT))
    assert all(dealt[record] == order[record] for record in range(3 * COUNT))


@pytest.mark.parametrize("kind", SOURCES)
def test_what_a_record_becomes_does_not_depend_on_the_share(make, kind):
    alone, shared = make(kind, batch_size=8), make(kind, Share(1, 2), batch_size=4)
    for index in range(4):
        for mine, whole in zip(shared.batch(index), alone.batch(index), strict=True):
            assert torch.equal(mine, whole[1::2])


@pytest.mark.parametrize("kind", SOURCES)
def test_digests_follow_the_records(make, kind):
    assert make(kind).digest == make(kind, shuffle=True).digest != ""
