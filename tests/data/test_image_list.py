from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch

from netspec.data.image_list import ImageList, read_listing
from netspec.data.transformer import Transformer
from netspec.errors import DataError
from netspec.schema.document import load_document
from netspec.schema.messages import TransformationParameter
from netspec.text.source import Source

_COUNT = 7


@pytest.fixture
def folder(tmp_path):
    """Images 0 to 6, each of its own gray, and their list."""
    (tmp_path / "img").mkdir()
    for index in range(_COUNT):
        cv2.imwrite(str(tmp_path / "img" / f"{index}.png"), np.full((4, 5, 3), 10 * index, np.uint8))
    (tmp_path / "list.txt").write_text("".join(f"img/{index}.png {index}\n" for index in range(_COUNT)))
    return tmp_path


def _stream(path, text="", training=False, seed=0, **settings):
    document = load_document(Source("transform", text), TransformationParameter)
    transformer = Transformer(document.message, document.spans, training=training, seed=seed)
    return ImageList(read_listing(path), transformer, seed=seed, **settings)


def _labels(stream, batches):
    return [int(label) for index in range(batches) for label in stream.batch(index)[1]]


def test_records_in_turn_across_the_end_of_the_list(folder):
    stream = _stream(folder / "list.txt", batch_size=3)
    assert _labels(stream, 5) == [record % _COUNT for record in range(15)]
    assert stream.shapes == ((3, 3, 4, 5), (3,))
    images, labels = stream.batch(2)
    assert images.dtype == labels.dtype == torch.float32
    assert images[:, 1, 2, 3].tolist() == [60, 0, 10]


def test_each_epoch_has_its_own_order(folder):
    labels = _labels(_stream(folder / "list.txt", batch_size=7, shuffle=True), 4)
    epochs = [labels[start : start + _COUNT] for start in range(0, len(labels), _COUNT)]
    assert all(sorted(epoch) == list(range(_COUNT)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_a_batch_is_a_function_of_its_number(folder):
    settings = {"batch_size": 3, "shuffle": True, "rand_skip": 5, "seed": 3, "training": True}
    in_order = [_stream(folder / "list.txt", "crop_size: 3", **settings).batch(index) for index in range(9)]
    stream = _stream(folder / "list.txt", "crop_size: 3", **settings)
    with ThreadPoolExecutor(4) as pool:
        for index, batch in zip(reversed(range(9)), pool.map(stream.batch, reversed(range(9))), strict=True):
            assert all(map(torch.equal, batch, in_order[index]))


def test_seeds_give_other_orders(folder):
    orders = {tuple(_labels(_stream(folder / "list.txt", shuffle=True, seed=seed), 7)) for seed in range(5)}
    assert len(orders) == 5


def test_rand_skip_starts_later(folder):
    starts = {_labels(_stream(folder / "list.txt", rand_skip=3, seed=seed), 1)[0] for seed in range(20)}
    assert starts == {0, 1, 2}


def test_gray_and_resized(folder):
    stream = _stream(folder / "list.txt", color=False, size=(8, 6))
    assert stream.batch(3)[0].shape == (1, 1, 8, 6)
    assert stream.batch(3)[0].unique().tolist() == [30]


def test_root_folder_is_put_in_front(folder):
    (folder / "bare.txt").write_text("3.png 3\n")
    assert _stream(folder / "bare.txt", root_folder="img/").batch(0)[0].unique().tolist() == [30]


def test_names_are_looked_for_beside_the_net_last(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("lists") / "list.txt"
    path.write_text("img/4.png 4\n")
    assert _stream(path, text_folder=folder).batch(0)[0].unique().tolist() == [40]
    with pytest.raises(DataError, match="no such image"):
        _stream(path).batch(0)


def test_lines_split_at_the_last_space_and_blank_ones_do_not_count(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\n a b.png 3 \r\n\n  \nc.png -1")
    listing = read_listing(tmp_path / "list.txt")
    assert listing.names == ["a b.png", "c.png"]
    assert listing.labels.tolist() == [3, -1]
    spans = [listing.span(0), listing.span(1)]
    assert [listing.source.text[span.start : span.end] for span in spans] == listing.names
    assert [(span.line, span.column) for span in spans] == [(2, 2), (5, 1)]


def test_wrong_lines_are_all_named(tmp_path):
    (tmp_path / "list.txt").write_text("a.png 1\nb.png\nc.png x\n5\n")
    with pytest.raises(DataError, match="integer label") as caught:
        read_listing(tmp_path / "list.txt")
    assert [diagnostic.span.line for diagnostic in caught.value.diagnostics] == [2, 3, 4]


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_list(tmp_path, text):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(DataError, match="list is empty") as caught:
        read_listing(tmp_path / "list.txt")
    assert caught.value.diagnostics[0].file == str(tmp_path / "list.txt")


def test_a_folder_is_no_list(tmp_path):
    with pytest.raises(DataError, match="cannot read the image list"):
        read_listing(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "looked for"), (b"", "holds no image"), (b"x" * 99, "holds no image")]
)
def test_a_missing_or_broken_image_is_named_with_its_line(folder, content, reason, capfd):
    (folder / "img" / "2.png").unlink()
    if content is not None:
        (folder / "img" / "2.png").write_bytes(content)
    with pytest.raises(DataError, match=r"list\.txt:3:1: error: .* image:? 'img/2\.png'") as caught:
        _stream(folder / "list.txt", batch_size=4).batch(0)
    assert reason in caught.value.diagnostics[0].help
    assert capfd.readouterr() == ("", "")


def test_images_of_one_batch_share_a_shape(folder):
    cv2.imwrite(str(folder / "img" / "1.png"), np.zeros((9, 5, 3), np.uint8))
    stream = _stream(folder / "list.txt", batch_size=2)
    with pytest.raises(DataError, match=r"'img/1.png' is 3x9x5, others of its batch 3x4x5") as caught:
        stream.batch(0)
    assert caught.value.diagnostics[0].span.line == 2
    assert stream.batch(1)[0].shape == (2, 3, 4, 5)


def test_any_white_space_stands_before_the_label(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"a b.png\t3\r\nc.png   4\r\n  d.png 5  \n")
    listing = read_listing(tmp_path / "list.txt")
    assert listing.names == ["a b.png", "c.png", "d.png"]
    assert listing.labels.tolist() == [3, 4, 5]


@pytest.mark.parametrize("label", ["0.5", "1e3", "9" * 400, "-", "0x1"])
def test_labels_are_whole_numbers(tmp_path, label):
    (tmp_path / "list.txt").write_text(f"a.png 1\nb.png {label}\n")
    with pytest.raises(DataError, match=r"list\.txt:2:1: error: .* with an integer label"):
        read_listing(tmp_path / "list.txt")


@pytest.mark.parametrize(("size", "expected"), [((4, 5), (8, 10)), ((6, 4), (12, 8)), ((4, 4), (8, 8))])
def test_the_shorter_side_gets_its_length(tmp_path, size, expected):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((*size, 3), np.uint8))
    (tmp_path / "list.txt").write_text("a.png 1\n")
    assert _stream(tmp_path / "list.txt", short_side=8).shapes[0] == (1, 3, *expected)


def test_the_files_content_may_be_kept(folder):
    stream = _stream(folder / "list.txt", batch_size=7, keep=True)
    first = stream.batch(0)[0]
    for path in (folder / "img").iterdir():
        path.unlink()
    assert torch.equal(stream.batch(1)[0], first)
