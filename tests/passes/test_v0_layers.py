"""Layers of 2013: each type, each field."""

from __future__ import annotations

import pytest

from netspec.passes.v0_layers import v0_to_v1
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter, V0LayerParameter
from netspec.text.source import Source

# Every type; what it may say, and what that is in V1.
CASES = {
    "accuracy": ("ACCURACY", "", ""),
    "bnll": ("BNLL", "", ""),
    "concat": ("CONCAT", "concat_dim: 2", "concat_param { concat_dim: 2 }"),
    "conv": (
        "CONVOLUTION",
        'num_output: 6 biasterm: false weight_filler { type: "gaussian" std: 0.1 } bias_filler { value: 1 } '
        "pad: 1 kernelsize: 5 group: 3 stride: 2 blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0",
        'convolution_param { num_output: 6 bias_term: false weight_filler { type: "gaussian" std: 0.1 } '
        "bias_filler { value: 1 } pad: 1 kernel_size: 5 group: 3 stride: 2 } "
        "blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0",
    ),
    "data": (
        "DATA",
        'source: "db" batchsize: 4 rand_skip: 3 scale: 0.5 meanfile: "m" cropsize: 9 mirror: true',
        'data_param { source: "db" batch_size: 4 rand_skip: 3 } '
        'transform_param { scale: 0.5 mean_file: "m" crop_size: 9 mirror: true }',
    ),
    "dropout": ("DROPOUT", "dropout_ratio: 0.25", "dropout_param { dropout_ratio: 0.25 }"),
    "euclidean_loss": ("EUCLIDEAN_LOSS", "", ""),
    "flatten": ("FLATTEN", "", ""),
    "hdf5_data": (
        "HDF5_DATA",
        'source: "list" batchsize: 4',
        'hdf5_data_param { source: "list" batch_size: 4 }',
    ),
    "hdf5_output": (
        "HDF5_OUTPUT",
        'hdf5_output_param { file_name: "f" }',
        'hdf5_output_param { file_name: "f" }',
    ),
    "im2col": ("IM2COL", "", ""),
    "images": (
        "IMAGE_DATA",
        'source: "s" batchsize: 2 rand_skip: 1 shuffle_images: true new_height: 8 new_width: 9 mirror: false',
        'image_data_param { source: "s" batch_size: 2 rand_skip: 1 shuffle: true new_height: 8 new_width: 9 '
        "} transform_param { mirror: false }",
    ),
    "infogain_loss": ("INFOGAIN_LOSS", 'source: "h"', 'infogain_loss_param { source: "h" }'),
    "innerproduct": (
        "INNER_PRODUCT",
        'num_output: 7 biasterm: true weight_filler { type: "xavier" } bias_filler { }',
        'inner_product_param { num_output: 7 bias_term: true weight_filler { type: "xavier" } '
        "bias_filler { } }",
    ),
    "lrn": (
        "LRN",
        "local_size: 3 alpha: 0.1 beta: 0.5 k: 2",
        "lrn_param { local_size: 3 alpha: 0.1 beta: 0.5 k: 2 }",
    ),
    "multinomial_logistic_loss": ("MULTINOMIAL_LOGISTIC_LOSS", "", ""),
    "pool": (
        "POOLING",
        "pool: STOCHASTIC pad: 1 kernelsize: 3 stride: 2",
        "pooling_param { pool: STOCHASTIC pad: 1 kernel_size: 3 stride: 2 }",
    ),
    "relu": ("RELU", "", ""),
    "sigmoid": ("SIGMOID", "", ""),
    "softmax": ("SOFTMAX", "", ""),
    "softmax_loss": ("SOFTMAX_LOSS", "", ""),
    "split": ("SPLIT", "", ""),
    "tanh": ("TANH", "", ""),
    "window_data": (
        "WINDOW_DATA",
        'source: "w" batchsize: 4 det_fg_threshold: 0.1 det_bg_threshold: 0.2 det_fg_fraction: 0.3 '
        'det_context_pad: 4 det_crop_mode: "square" cropsize: 32',
        'window_data_param { source: "w" batch_size: 4 fg_threshold: 0.1 bg_threshold: 0.2 fg_fraction: 0.3 '
        'context_pad: 4 crop_mode: "square" } transform_param { crop_size: 32 }',
    ),
}
FIELDS = sorted(V0LayerParameter.DESCRIPTOR.fields_by_name)
ANYWHERE = {"name", "type", "blobs", "blobs_lr", "weight_decay", "scale", "meanfile", "cropsize", "mirror"}


def net(text):
    return load_document(Source("expected", text), NetParameter).message


@pytest.mark.parametrize("type", CASES)
def test_each_type_with_all_it_may_say(read, type):
    name, fields, expected = CASES[type]
    document = read(
        f'layers {{ layer {{ name: "x" type: "{type}" {fields} }} bottom: "a" bottom: "b" top: "c" }}'
    )
    before = document.message.SerializeToString()
    upgraded = v0_to_v1(document)
    assert upgraded.message == net(
        f'layers {{ name: "x" type: {name} {expected} bottom: "a" bottom: "b" top: "c" }}'
    )
    assert v0_to_v1(upgraded) is upgraded
    assert document.message.SerializeToString() == before


@pytest.mark.parametrize("type", CASES)
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_has_a_place_or_is_named(read, report, type, field):
    known = f" {CASES[type][1]}"
    value = {"hdf5_output_param": "{ }", "weight_filler": "{ }", "bias_filler": "{ }", "blobs": "{ }"}.get(
        field
    )
    if value is None:
        strings = ("name", "type", "source", "meanfile", "det_crop_mode")
        flags = ("mirror", "biasterm", "shuffle_images")
        value = f': "{type}"' if field in strings else ": false" if field in flags else ": 1"
    document = read(f'layers {{\n  layer {{ type: "{type}"\n  {field}{value} }} }}')
    if field in ANYWHERE or f" {field}: " in known or f" {field} {{" in known:
        assert not v0_to_v1(document).message.layers[0].HasField("layer")
    else:
        said = report(v0_to_v1, document)
        assert f": error: layer '': '{field}' is no field of the V0 type '{type}'" in said
        assert said.splitlines()[1].startswith("net.prototxt:3:")


def test_every_field_is_some_types_or_nobodys():
    known = " ".join(fields for _, fields, _ in CASES.values())
    said = {field for field in FIELDS if f"{field}: " in known or f"{field} {{" in known}
    assert set(FIELDS) - said - ANYWHERE == {"new_num", "new_channels"}


def test_blobs_and_multipliers_stay_beside_each_other(read):
    text = 'layers { layer { name: "c" type: "conv" blobs { num: 1 data: 2 } blobs_lr: 3 } }'
    (layer,) = v0_to_v1(read(text)).message.layers
    assert (list(layer.blobs[0].data), list(layer.blobs_lr)) == ([2], [3])


def test_fields_keep_their_places(read):
    text = (
        'name: "n"\nlayers {\n  layer { name: "c"\n    type: "conv" kernelsize: 5\n'
        '    cropsize: 3 }\n  top: "t" }'
    )
    spans = v0_to_v1(read(text)).spans.sub("layers", 0)
    paths = [(), ("name",), ("type",), ("convolution_param", "kernel_size", 0), ("convolution_param",),
             ("transform_param", "crop_size"), ("top", 0)]  # fmt: skip
    assert [(spans.at(*path).line, spans.at(*path).column) for path in paths] == [
        (2, 1), (3, 17), (4, 11), (4, 30), (3, 3), (5, 15), (6, 8),
    ]  # fmt: skip


def test_newer_layers_among_them_stay_as_they_are(read):
    document = read(
        'layers { layer { type: "relu" } }\nlayers { name: "new" type: TANH include { phase: TEST } }'
    )
    upgraded = v0_to_v1(document)
    assert upgraded.message.layers[1] == document.message.layers[1]
    assert upgraded.spans.at("layers", 1, "type").line == 2


def test_a_layer_without_a_type_stays_without(read):
    (layer,) = v0_to_v1(read('layers { layer { name: "x" } }')).message.layers
    assert (layer.name, layer.HasField("type")) == ("x", False)


def test_all_that_has_no_place_is_said_at_once(read, report):
    text = """layers { layer { name: "a" type: "Conv" kernelsize: 1 } bottom: "x" }
layers { layer { name: "b" type: "relu" k: 1 } include { phase: TRAIN } }
layers { layer { name: "c" type: "hdf5_data" hdf5_output_param { } } }
"""
    assert report(v0_to_v1, read(text)) == (
        """NetError
net.prototxt:1:34: error: unknown layer type 'Conv' in a V0 layer
    1 | layers { layer { name: "a" type: "Conv" kernelsize: 1 } bottom: "x" }
      |                                  ^^^^^^
   help: did you mean 'conv'?
net.prototxt:2:44: error: layer 'b': 'k' is no field of the V0 type 'relu'
    2 | layers { layer { name: "b" type: "relu" k: 1 } include { phase: TRAIN } }
      |                                            ^
   help: it is a field of 'lrn'
net.prototxt:2:48: error: 'include' is no field of a V0 layer ('layers { layer { ... } }')
    2 | layers { layer { name: "b" type: "relu" k: 1 } include { phase: TRAIN } }
      |                                                ^^^^^^^
   help: beside 'layer' stand only 'bottom' and 'top'
net.prototxt:3:46: error: layer 'c': 'hdf5_output_param' is no field of the V0 type 'hdf5_data'
    3 | layers { layer { name: "c" type: "hdf5_data" hdf5_output_param { } } }
      |                                              ^^^^^^^^^^^^^^^^^
   help: it is a field of 'hdf5_output'
"""
    )
