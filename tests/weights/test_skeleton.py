"""Binary nets taken apart and put together: what passes see, and what nobody touches."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.schema.messages import LayerParameter, NetParameter
from netspec.weights.caffemodel import read_caffemodel
from netspec.weights.skeleton import read_skeleton
from netspec.weights.wire import put_bytes, put_integer


@pytest.fixture
def written(tmp_path):
    """A net's message, or the bytes of one, as a file."""

    def write(net):
        path = tmp_path / "net.caffemodel"
        path.write_bytes(net if isinstance(net, bytes) else net.SerializeToString())
        return path

    return write


def blob(*values):
    return {"shape": {"dim": [len(values)]}, "data": values}


def raw(*parts):
    return b"".join(bytes(part) for part in parts)


V1 = {"name": "c", "type": "CONVOLUTION", "blobs": [blob(1, 2), blob(3)], "blobs_lr": [1, 2]}
V0 = {
    "bottom": ["x"],
    "layer": {"name": "c", "type": "conv", "kernelsize": 3, "blobs": [blob(1, 2), blob(3)]},
}
V2 = {"name": "c", "type": "Convolution", "bottom": ["x"], "param": [{}], "blobs": [blob(1, 2), blob(3)]}


@pytest.mark.parametrize("net", [{"layers": [V1]}, {"layers": [V0]}, {"layer": [V2]}], ids=["V1", "V0", "V2"])
def test_a_pass_sees_a_mark_for_each_layers_blobs(written, net):
    skeleton = read_skeleton(written(NetParameter(name="n", **net)))
    (layer,) = (*skeleton.net.layer, *skeleton.net.layers)
    blobs = layer.layer.blobs if net == {"layers": [V0]} else layer.blobs
    assert [(blob.num, list(blob.data)) for blob in blobs] == [(0, [])]
    assert (skeleton.net.name, len(skeleton.kept), skeleton.lost) == ("n", 1, [])


def test_what_was_taken_out_is_put_back(written):
    net = NetParameter(name="n", layer=[V2, {"name": "d", "blobs": [blob(4)]}], input=["x"])
    path = written(net)
    skeleton = read_skeleton(path)
    assert NetParameter.FromString(raw(*skeleton.filled(skeleton.net))) == net


def test_a_layer_finds_its_blobs_wherever_a_pass_moves_it(written):
    skeleton = read_skeleton(
        written(NetParameter(layers=[V1, {"name": "pad"}, {"name": "d", "blobs": [blob(4)]}]))
    )
    moved = NetParameter(
        layer=[
            {"name": "new"},
            {"name": "d", "blobs": skeleton.net.layers[2].blobs},
            {"name": "c", "type": "Convolution", "blobs": skeleton.net.layers[0].blobs},
        ]
    )
    found = NetParameter.FromString(raw(*skeleton.filled(moved)))
    assert [(layer.name, [list(blob.data) for blob in layer.blobs]) for layer in found.layer] == [
        ("new", []), ("d", [[4]]), ("c", [[1, 2], [3]]),
    ]  # fmt: skip


def test_foreign_fields_of_a_layer_and_of_the_net_are_not_looked_at(written):
    """Field 148 is st_param in some forks and clip_param in Caffe: here it is neither."""
    layer = raw(*put_bytes(1, b"stn"), *put_bytes(148, b"\xff\xff\xff"), *put_bytes(3000, b"own"))
    path = written(raw(*put_bytes(100, layer), *put_integer(5000, 7)))
    skeleton = read_skeleton(path)
    again = raw(*skeleton.filled(skeleton.net))
    assert layer in again
    assert raw(*put_integer(5000, 7)) in again
    assert [layer.name for layer in read_caffemodel(path)] == ["stn"]


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ([*put_bytes(4, b"c"), *put_bytes(99, b"own")], ["byte 5: field 99"]),
        ([*put_integer(5, 77)], ["byte 2: type 77"]),
        ([*put_bytes(1, *put_bytes(1, b"c"), *put_integer(77, 1))], ["byte 7: field 77"]),
        ([*put_integer(5, 4)], []),
    ],
)
def test_what_no_caffe_wrote_into_an_old_layer_is_named(written, fields, lost):
    skeleton = read_skeleton(written(raw(*put_bytes(2, raw(*fields)))))
    assert [found.message for found in skeleton.lost] == [
        f"{what} of an old layer is none of Caffe's: left out" for what in lost
    ]
    assert {found.severity for found in skeleton.lost} <= {"warning"}


def test_blocks_of_a_fork_within_old_layers_survive(written):
    """An unknown field of a block that Caffe knows: the block is handed on whole."""
    block = raw(*put_integer(1, 4), *put_bytes(200, b"own"))
    path = written(raw(*put_bytes(2, *put_bytes(4, b"c"), *put_bytes(10, block))))
    (layer,) = read_skeleton(path).net.layers
    made = LayerParameter(name="c", convolution_param=layer.convolution_param)
    assert block in made.SerializeToString()


def test_numbers_are_handed_on_without_being_read(written):
    values = np.arange(6, dtype="<f4").tobytes()
    legacy = raw(*(part for axis in (1, 2, 3, 4) for part in put_integer(axis, 1)), *put_bytes(8, values))
    path = written(raw(*put_bytes(2, *put_bytes(4, b"c"), *put_bytes(6, legacy))))
    skeleton = read_skeleton(path)
    assert raw(*skeleton.kept[0]) == raw(*put_bytes(7, legacy))


@pytest.mark.parametrize("length", range(1, 40, 3))
def test_a_truncated_file_is_named(written, report, length):
    whole = NetParameter(name="n", layers=[V1]).SerializeToString()
    said = report(lambda: read_skeleton(written(whole[:length])))
    assert said.startswith("WeightsError\n")
    assert "net.caffemodel: error: " in said
