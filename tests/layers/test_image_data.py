from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from netspec.errors import DataError, NetError
from netspec.layers.registry import find_layer
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source

_GOLDEN = Path(__file__).parents[1] / "golden" / "data"


def _from_file(path, training=False):
    document = load_document(path, NetParameter)
    spec = document.message.layer[0]
    layer = find_layer(spec.type)(spec, document.spans.sub("layer", 0), training=training)
    layer.shapes = layer.build([])
    return layer


@pytest.mark.parametrize("place", ["in the folder", "elsewhere"])
@pytest.mark.parametrize("case", ["crop_mean_scale", "gray", "plain", "resize", "root_skip"])
def test_golden(case, place, monkeypatch, tmp_path):
    monkeypatch.chdir(_GOLDEN if place == "in the folder" else tmp_path)
    layer = _from_file(_GOLDEN / f"imagedata_{case}.prototxt")
    recorded = np.load(_GOLDEN / f"imagedata_{case}.npz")
    scale = layer.spec.transform_param.scale
    stream = layer.stream(0)
    for index in range(4):
        images, labels = stream.batch(index)
        expected = recorded[f"batch/{index}/data"]
        assert images.shape == expected.shape
        assert labels.tolist() == recorded[f"batch/{index}/label"].tolist()
        for image, wanted, label in zip(images, expected, labels, strict=True):
            if label == 9:  # the one JPEG: decoders differ
                np.testing.assert_allclose(image, wanted, atol=3 * scale)
            else:
                np.testing.assert_array_equal(image, wanted)
    assert layer.shapes == [recorded["batch/0/data"].shape, recorded["batch/0/label"].shape]


def _layer(param, folder, training=False):
    text = f'layer {{ name: "l" type: "ImageData" top: "data" top: "label"\n{param}\n}}'
    document = load_document(Source("net.prototxt", text, folder / "net.prototxt"), NetParameter)
    spec = document.message.layer[0]
    layer = find_layer("ImageData")(spec, document.spans.sub("layer", 0), training=training)
    layer.shapes = layer.build([])
    return layer


@pytest.fixture
def folder(tmp_path):
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((4, 6, 3), index, np.uint8))
    (tmp_path / "list.txt").write_text("".join(f"{index}.png {index}\n" for index in range(3)))
    return tmp_path


def test_the_shape_is_known_without_the_list(tmp_path):
    param = 'image_data_param { source: "no.txt" batch_size: 5 new_height: 8 new_width: 9 is_color: false }'
    assert _layer(param, tmp_path).shapes == [(5, 1, 8, 9), (5,)]
    param = (
        'image_data_param { source: "no.txt" new_height: 8 new_width: 9 } transform_param { crop_size: 7 }'
    )
    assert _layer(param, tmp_path).shapes == [(1, 3, 7, 7), (1,)]


def test_the_first_image_gives_the_shape(folder):
    layer = _layer('image_data_param { source: "list.txt" batch_size: 2 }', folder)
    assert layer.shapes == [(2, 3, 4, 6), (2,)]
    images, labels = layer.stream(0).batch(1)
    assert images[:, 0, 0, 0].tolist() == labels.tolist() == [2, 0]


def test_random_crops_only_in_training(folder):
    cv2.imwrite(str(folder / "0.png"), np.arange(72, dtype=np.uint8).reshape(4, 6, 3))
    param = (
        'image_data_param { source: "list.txt" batch_size: 3 } transform_param { crop_size: 2 mirror: true }'
    )
    draws = [_layer(param, folder, training=True).stream(seed).batch(0)[0][0] for seed in range(8)]
    assert len({tuple(draw.flatten().tolist()) for draw in draws}) > 1
    same = [_layer(param, folder).stream(seed).batch(0)[0][0] for seed in range(8)]
    assert all(torch.equal(draw, same[0]) for draw in same)


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("new_height and new_width go together", "8", "new_height: 8"),
        ("new_width and new_height go together", "8", "new_width: 8"),
        ("batch_size must be at least 1", "0", "batch_size: 0"),
        ("source is missing", "image_data_param", ""),
        ("no such file: 'none.txt'", '"none.txt"', 'source: "none.txt"'),
    ],
)
def test_refused(folder, message, marked, param):
    with pytest.raises(NetError, match=message) as caught:
        _layer(f"image_data_param {{ {param} }}", folder)
    span = caught.value.diagnostics[0].span
    assert span.source.text[span.start : span.end] == marked


def test_a_crop_larger_than_the_image(folder):
    param = 'image_data_param { source: "list.txt" } transform_param { crop_size: 5 }'
    with pytest.raises(DataError, match="crop_size 5 is larger than an image of 4 x 6") as caught:
        _layer(param, folder)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span.line == 2
    assert diagnostic.notes[0].span.line == 1
    assert diagnostic.notes[0].span.source.name.endswith("list.txt")


def test_fields_of_nvidia_s_fork(folder):
    layer = _layer('image_data_param { source: "list.txt" short_side: 8 threads: 6 cache: true }', folder)
    assert layer.shapes == [(1, 3, 8, 12), (1,)]
    assert (layer.workers, layer.ahead) == (6, 6)
    plain = _layer('image_data_param { source: "list.txt" }', folder)
    assert (plain.workers, plain.ahead) == (None, 4)


def test_images_of_changing_sizes_one_by_one(folder):
    for param, varying in (
        ('image_data_param { source: "list.txt" }', {0}),
        ('image_data_param { source: "list.txt" batch_size: 2 }', set()),
        ('image_data_param { source: "list.txt" new_height: 3 new_width: 3 }', set()),
        ('image_data_param { source: "list.txt" } transform_param { crop_size: 2 }', set()),
    ):
        assert _layer(param, folder).varying == varying


@pytest.mark.parametrize(
    ("message", "fields", "transform"),
    [
        ("new_height and new_width, or short_side, not both", "new_height: 3 new_width: 3 short_side: 2", ""),
        ("dataset_share_per_node is not supported", "dataset_share_per_node: 0.5", ""),
        ("force_gray has no effect here", "", "force_gray: true"),
        ("force_color contradicts is_color: false", "is_color: false", "force_color: true"),
        ("emit_constraint is for images with objects", "", "emit_constraint { }"),
    ],
)
def test_what_is_not_honoured_is_refused_by_name(folder, message, fields, transform):
    with pytest.raises(NetError, match=message):
        _layer(
            f'image_data_param {{ source: "list.txt" {fields} }} transform_param {{ {transform} }}', folder
        )


def test_in_training_each_process_reads_its_share(folder, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    param = 'image_data_param { source: "list.txt" batch_size: 3 }'
    assert _layer(param, folder, training=True).stream(0).batch(0)[1].tolist() == [1, 0, 2]
    assert _layer(param, folder).stream(0).batch(0)[1].tolist() == [0, 1, 2]
