"""`Net`: made in all ways, run in whole and in parts, its dictionaries, its params."""

from __future__ import annotations

import gc
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import netspec.pycaffe as caffe
from netspec import NetspecError, compile_net
from netspec.weights import read_weights

pytestmark = pytest.mark.usefixtures("memory")


@pytest.fixture
def trained(make, rng, nets):
    """A net with data and labels in it."""
    caffe.set_random_seed(1)
    net = make(nets.trained, caffe.TRAIN)
    net.blobs["data"].data[...] = rng.normal(size=(4, 2, 6, 5))
    net.blobs["label"].data[...] = [0, 4, 1, 2]
    return net


# Making ---------------------------------------------------------------------------------------------------


def same_params(one, other):
    return all(
        np.array_equal(blob.data, twin.data)
        for name in one.params
        for blob, twin in zip(one.params[name], other.params[name], strict=True)
    )


def test_every_way_to_make_a_net(make, nets):
    net = make(nets.deployed)
    net.save("w.caffemodel")
    assert list(net.params) == ["conv", "ip"]
    for args, options in [
        (("net.prototxt", "w.caffemodel", caffe.TEST), {}),
        (("net.prototxt", caffe.TEST), {"weights": "w.caffemodel"}),
        (("net.prototxt", caffe.TEST, 0, [], "w.caffemodel"), {}),
        (("net.prototxt",), {"phase": caffe.TEST, "weights": "w.caffemodel", "level": 0, "stages": None}),
        ((), {"network_file": "net.prototxt", "phase": caffe.TEST, "weights": "w.caffemodel"}),
    ]:
        assert same_params(net, caffe.Net(*args, **options)), (args, options)
    assert not same_params(net, caffe.Net("net.prototxt", caffe.TEST))


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (("net.prototxt",), {}),
        (("net.prototxt", "w", caffe.TEST, 1), {}),
        (("net.prototxt", caffe.TEST), {"phase": caffe.TEST}),
        (("net.prototxt", caffe.TEST), {"size": 1}),
        (("net.prototxt", None), {}),
    ],
)
def test_arguments_that_make_no_net(make, args, options, nets):
    make(nets.deployed)
    with pytest.raises(TypeError):
        caffe.Net(*args, **options)


def test_missing_files(make, nets):
    with pytest.raises(RuntimeError, match=r"cannot open file 'gone\.prototxt'"):
        caffe.Net("gone.prototxt", caffe.TEST)
    net = make(nets.deployed)
    with pytest.raises(RuntimeError, match=r"gone\.caffemodel"):
        caffe.Net("net.prototxt", caffe.TEST, weights="gone.caffemodel")
    with pytest.raises(RuntimeError, match=r"gone\.caffemodel"):
        net.copy_from("gone.caffemodel")


def test_where_caffe_would_abort_there_is_a_runtime_error_with_the_diagnostics(make, nets):
    with pytest.raises(
        RuntimeError, match=r"net\.prototxt:3:\d+: error: unknown layer type 'Convolutoin'"
    ) as e:
        make(nets.deployed.replace("Convolution", "Convolutoin", 1).replace("\nlayer", "layer", 1))
    assert isinstance(e.value, NetspecError)


LEVELS = """
layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 1 dim: 2 } } }
layer { name: "always" type: "Power" bottom: "data" top: "always" }
layer { name: "zero" type: "Power" bottom: "data" top: "zero" include { max_level: 0 } }
layer { name: "one" type: "Power" bottom: "data" top: "one" include { min_level: 1 } }
layer { name: "a" type: "Power" bottom: "data" top: "a" include { stage: "A" } }
layer { name: "ab" type: "Power" bottom: "data" top: "ab" include { stage: "A" stage: "B" } }
"""


@pytest.mark.parametrize(
    ("options", "outputs"),
    [
        ({}, ["always", "zero"]),
        ({"level": 1}, ["always", "one"]),
        ({"stages": ["A"]}, ["a", "always", "zero"]),
        ({"stages": ["A", "B"], "level": 2}, ["a", "ab", "always", "one"]),
    ],
)
def test_levels_and_stages(make, options, outputs):
    assert make(LEVELS, caffe.TEST, **options).outputs == outputs


# What is in it --------------------------------------------------------------------------------------------


def test_the_dictionaries_and_their_orders(trained):
    assert list(trained.blobs) == [
        "data", "label", "label_label_0_split_0", "label_label_0_split_1", "conv", "scores",
        "scores_ip_0_split_0", "scores_ip_0_split_1", "loss", "accuracy",
    ]  # fmt: skip
    names = [
        "data",
        "label",
        "label_label_0_split",
        "conv",
        "relu",
        "ip",
        "scores_ip_0_split",
        "loss",
        "accuracy",
    ]
    assert list(trained._layer_names) == list(trained.layer_dict) == names
    assert isinstance(trained.blobs, OrderedDict)
    assert isinstance(trained.params, OrderedDict)
    assert [[blob.data.shape for blob in blobs] for blobs in trained.params.values()] == [
        [(3, 2, 3, 3), (3,)],
        [(5, 36), (5,)],
    ]
    assert (trained.inputs, trained.outputs) == (["data", "label"], ["accuracy", "loss"])
    assert trained.blobs is trained.blobs
    with pytest.raises(KeyError):
        trained.blobs["nothing"]


def test_tops_and_bottoms_of_the_layers(trained):
    assert trained.top_names["label_label_0_split"] == ["label_label_0_split_0", "label_label_0_split_1"]
    assert trained.bottom_names["loss"] == ["scores_ip_0_split_0", "label_label_0_split_0"]
    assert trained.bottom_names["accuracy"] == ["scores_ip_0_split_1", "label_label_0_split_1"]
    assert (trained.bottom_names["data"], trained.top_names["relu"]) == ([], ["conv"])
    names = list(trained.blobs)
    for number, name in enumerate(trained._layer_names):
        assert [names[i] for i in trained._top_ids(number)] == trained.top_names[name]
        assert [names[i] for i in trained._bottom_ids(number)] == trained.bottom_names[name]
    assert [names[i] for i in trained._inputs] == trained.inputs
    assert [names[i] for i in trained._outputs] == trained.outputs
    assert trained._blobs[0] is trained.blobs["data"]


def test_layers(trained):
    assert [layer.type for layer in trained.layers][2:6] == ["Split", "Convolution", "ReLU", "InnerProduct"]
    assert trained.layer_dict["conv"].blobs[0] is trained.params["conv"][0]
    assert (len(trained.layers[3].blobs), len(trained.layers[4].blobs)) == (2, 0)
    assert isinstance(trained.layers[0], caffe.Layer)


def test_blob_loss_weights(make, nets):
    net = make(nets.drawn.replace('top: "loss"', 'top: "loss" loss_weight: 0.25'), caffe.TRAIN)
    assert net.blob_loss_weights == {"data": 0, "label": 0, "ip": 0, "loss": 0.25}
    assert list(net.blob_loss_weights) == list(net.blobs)
    assert net._blob_loss_weights == [0, 0, 0, 0.25]


# Forward --------------------------------------------------------------------------------------------------


def test_forward_is_the_compiled_net_s(trained, rng):
    outputs = trained.forward()
    assert sorted(outputs) == ["accuracy", "loss"]
    assert outputs["loss"].dtype == np.float32
    assert outputs["loss"].shape == ()
    trained.save("w.caffemodel")
    compiled = compile_net("net.prototxt", phase="TRAIN", weights="w.caffemodel")
    expected = compiled(data=trained.blobs["data"].data, label=trained.blobs["label"].data)
    np.testing.assert_allclose(outputs["loss"], expected["loss"].detach(), rtol=1e-6)


def test_forward_takes_arrays_and_names_of_blobs(make, rng, nets):
    net = make(nets.deployed)
    data = rng.normal(size=(4, 2, 6, 5))  # float64, as numpy makes it
    outputs = net.forward(blobs=["conv", "scores"], data=data)
    assert sorted(outputs) == ["conv", "prob", "scores"]
    np.testing.assert_array_equal(net.blobs["data"].data, data.astype(np.float32))
    assert np.allclose(outputs["prob"].sum(1), 1)
    assert outputs["conv"].min() == 0  # what the ReLU in place made of it


def test_what_forward_refuses(make, rng, nets):
    net = make(nets.deployed)
    with pytest.raises(Exception, match="inputs"):
        net.forward(date=rng.normal(size=(4, 2, 6, 5)))
    with pytest.raises(Exception, match="has 3 items, where the batch has 4"):
        net.forward(data=rng.normal(size=(3, 2, 6, 5)))
    with pytest.raises(ValueError, match="broadcast"):
        net.forward(data=rng.normal(size=(4, 2, 6, 6)))
    with pytest.raises(ValueError, match="nowhere"):
        net.forward(start="nowhere")
    with pytest.raises(KeyError):
        net.forward(blobs=["nowhere"])


def test_what_a_layer_cannot_compute_is_a_runtime_error(trained, make, nets):
    trained.blobs["label"].data[...] = 7
    with pytest.raises(RuntimeError, match="expected labels from 0 to 4, found 7"):
        trained.forward()
    net = make(nets.deployed)
    net.blobs["data"].reshape(4, 2, 6, 7)
    with pytest.raises(RuntimeError, match="layer 'ip'") as caught:
        net.forward()
    assert isinstance(caught.value, NetspecError)


def test_five_axes(make, rng):
    shape = "shape { dim: 2 dim: 1 dim: 4 dim: 5 dim: 6 }"
    net = make(f"""
    layer {{ name: "data" type: "Input" top: "data" input_param {{ {shape} }} }}
    layer {{ name: "double" type: "Power" bottom: "data" top: "double" power_param {{ scale: 2 }} }}
    """)
    data = rng.normal(size=(5, 1, 4, 5, 6)).astype(np.float32)
    np.testing.assert_array_equal(net.forward(data=data[:2])["double"], 2 * data[:2])
    np.testing.assert_array_equal(net.forward_all(data=data)["double"], 2 * data)


def test_a_part_forward_sees_what_was_written_to_its_blobs(trained, rng):
    values = rng.normal(size=(4, 3, 4, 3)).astype(np.float32)
    trained.blobs["conv"].data[...] = values
    outputs = trained.forward(start="ip", end="ip")
    assert list(outputs) == ["scores"]
    weight, bias = (blob.data for blob in trained.params["ip"])
    expected = values.reshape(4, -1) @ weight.T + bias
    np.testing.assert_allclose(trained.blobs["scores"].data, expected, rtol=1e-4, atol=1e-5)
    trained.forward(end="conv")
    assert trained.blobs["conv"].data.min() < 0  # the ReLU did not run
    trained.forward(start="relu", end="relu")
    assert trained.blobs["conv"].data.min() == 0


def test_a_split_s_tops_are_the_blob_itself(trained):
    trained.forward()
    trained.blobs["scores"].data[...] = 0
    assert not trained.blobs["scores_ip_0_split_1"].data.any()
    trained.blobs["scores_ip_0_split_0"].data[:, 2] = 50
    assert float(trained.forward(start="loss")["loss"]) == pytest.approx(50 * 3 / 4, rel=1e-5)


def test_forward_by_numbers_gives_the_loss(trained):
    last = len(trained.layers) - 1
    assert trained._forward(0, last) == pytest.approx(float(trained.blobs["loss"].data))
    assert trained._forward(0, 3) == 0
    with pytest.raises(IndexError):
        trained._forward(0, last + 1)


def test_a_net_that_draws_its_data(make, nets):
    net = make(nets.drawn, caffe.TRAIN)
    assert not net.blobs["data"].data.any()
    net.blobs["label"].data[...] = [6, 5, 4, 3, 2]
    net.forward()
    first = net.blobs["data"].data.copy()
    net.forward()
    assert first.std() > 0.5
    assert not np.array_equal(first, net.blobs["data"].data)
    assert net.blobs["label"].data.tolist() == [6, 5, 4, 3, 2]  # a constant is filled in once
    assert (net.inputs, net.outputs) == ([], ["loss"])


def test_the_seed_repeats_fillers_and_data(make, nets):
    def draw():
        caffe.set_random_seed(5)
        net = make(nets.drawn, caffe.TRAIN)
        net.forward()
        return net.params["ip"][0].data.copy(), net.blobs["data"].data.copy()

    assert all(np.array_equal(one, other) for one, other in zip(draw(), draw(), strict=True))


# Backward -------------------------------------------------------------------------------------------------


def numeric(net, array, place, step=1e-2):
    """The derivative of the loss by one number."""
    losses = []
    for sign in (1, -1):
        array[place] += sign * step
        losses.append(net._forward(0, len(net.layers) - 1))
        array[place] -= sign * step
    return (losses[0] - losses[1]) / (2 * step)


def test_backward_gives_the_derivatives(trained):
    trained.forward()
    assert trained.blobs["loss"].diff == 1
    diffs = trained.backward(diffs=["conv"])
    assert sorted(diffs) == ["conv", "data", "label"]
    assert diffs["data"].shape == (4, 2, 6, 5)
    for blob, place in [
        (trained.blobs["data"], (1, 1, 2, 3)),
        (trained.params["conv"][0], (2, 1, 0, 1)),
        (trained.params["ip"][1], (3,)),
    ]:
        expected = float(blob.diff[place])
        assert numeric(trained, blob.data, place) == pytest.approx(expected, rel=0.02, abs=2e-4)


def test_gradients_of_params_add_up_until_they_are_cleared(trained):
    trained.forward()
    trained.backward()
    once = trained.params["ip"][0].diff.copy()
    held = trained.params["ip"][0].diff
    trained.backward()
    np.testing.assert_allclose(held, 2 * once, rtol=1e-5)
    trained.clear_param_diffs()
    assert not held.any()
    trained.backward()
    np.testing.assert_allclose(held, once, rtol=1e-5)


def test_gradients_of_blobs_do_not(trained):
    trained.forward()
    trained.backward()
    once = trained.blobs["data"].diff.copy()
    trained.backward()
    np.testing.assert_array_equal(trained.blobs["data"].diff, once)


def test_a_part_backward_starts_from_what_was_written(trained, rng):
    trained.forward()
    above = rng.normal(size=(4, 5)).astype(np.float32)
    trained.blobs["scores"].diff[...] = above
    diffs = trained.backward(start="ip", end="ip")
    assert list(diffs) == ["conv"]
    weight = trained.params["ip"][0]
    np.testing.assert_allclose(diffs["conv"].reshape(4, -1), above @ weight.data, rtol=1e-4, atol=1e-5)
    inputs = trained.blobs["conv"].data.reshape(4, -1)
    np.testing.assert_allclose(weight.diff, above.T @ inputs, rtol=1e-4, atol=1e-5)
    assert not trained.params["conv"][0].diff.any()


def test_gradients_may_be_written_on_the_way(trained):
    trained.forward()
    trained.backward(end="scores_ip_0_split")
    trained.blobs["scores"].diff[...] *= 3
    trained.backward(start="ip")
    tripled = trained.params["conv"][0].diff.copy()
    trained.clear_param_diffs()
    trained.backward()
    np.testing.assert_allclose(tripled, 3 * trained.params["conv"][0].diff, rtol=1e-4, atol=1e-6)


def test_a_split_adds_up_its_tops_gradients(trained):
    trained.forward()
    trained.blobs["scores_ip_0_split_0"].diff[...] = 2
    trained.blobs["scores_ip_0_split_1"].diff[...] = 5
    trained.backward(start="scores_ip_0_split", end="scores_ip_0_split")
    assert (trained.blobs["scores"].diff == 7).all()


def test_the_loss_s_gradient_is_its_weight_unless_one_writes_another(make, rng, nets):
    net = make(nets.drawn.replace('top: "loss"', 'top: "loss" loss_weight: 0.5'), caffe.TRAIN)
    net.forward()
    net.backward()
    half = net.params["ip"][0].diff.copy()
    net.clear_param_diffs()
    net.blobs["loss"].diff[...] = 2
    net.backward()
    np.testing.assert_allclose(net.params["ip"][0].diff, 4 * half, rtol=1e-5)


def test_outputs_gradients_as_arguments(make, rng, nets):
    net = make("force_backward: true " + nets.deployed, caffe.TEST)
    net.forward(data=rng.normal(size=(4, 2, 6, 5)))
    above = rng.normal(size=(4, 5))
    diffs = net.backward(prob=above)
    np.testing.assert_array_equal(net.blobs["prob"].diff, above.astype(np.float32))
    assert diffs["data"].any()
    with pytest.raises(Exception, match="outputs: prob"):
        net.backward(scores=above)
    with pytest.raises(Exception, match="has 3 items"):
        net.backward(prob=above[:3])


def test_without_a_loss_or_force_backward_nothing_runs_backward(make, rng, nets):
    net = make(nets.deployed)
    net.forward(data=rng.normal(size=(4, 2, 6, 5)))
    net.blobs["prob"].diff[...] = 1
    assert not net.backward()["data"].any()
    assert not net.params["ip"][0].diff.any()


def test_what_learns_nothing_gets_no_gradient(make, nets):
    frozen = nets.drawn.replace('top: "ip"', 'top: "ip" param { lr_mult: 0 } param { lr_mult: 1 }')
    net = make(frozen, caffe.TRAIN)
    net.forward()
    net.backward()
    weight, bias = net.params["ip"]
    assert (weight.diff.any(), bias.diff.any(), net.blobs["data"].diff.any()) == (False, True, False)
    forced = make("force_backward: true " + frozen, caffe.TRAIN)
    forced.forward()
    forced.backward()
    assert forced.params["ip"][0].diff.any()
    assert forced.blobs["data"].diff.any()


def test_propagate_down_stops_a_gradient(make):
    two = """
    layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2 dim: 3 }
      data_filler { type: "gaussian" std: 1 } } }
    layer { name: "below" type: "InnerProduct" bottom: "data" top: "below"
      inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "above" type: "InnerProduct" bottom: "below" top: "above" PLACE
      inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "Reduction" bottom: "above" top: "loss" loss_weight: 1 }
    """
    for place, learns in [("", True), ("propagate_down: false", False)]:
        net = make(two.replace("PLACE", place), caffe.TRAIN)
        net.forward()
        net.backward()
        assert net.params["above"][0].diff.any()
        assert net.params["below"][0].diff.any() == learns


def test_layers_that_share_a_param_share_its_gradient(make):
    layer = """layer { name: "%s" type: "InnerProduct" bottom: "%s" top: "%s" param { name: "w" }
      inner_product_param { num_output: 3 bias_term: false weight_filler { type: "gaussian" std: 1 } } }"""
    data = """layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2 dim: 3 }
      data_filler { type: "gaussian" std: 1 } } }"""
    loss = 'layer { name: "loss" type: "Reduction" bottom: "b" top: "loss" loss_weight: 1 }'
    net = make(data + layer % ("one", "data", "a") + layer % ("two", "a", "b") + loss, caffe.TRAIN)
    net.forward()
    net.backward()
    one, two = net.params["one"][0], net.params["two"][0]
    np.testing.assert_array_equal(one.diff, two.diff)
    found, last = float(one.diff[1, 2]), len(net.layers) - 1
    losses = []
    for step in (0.01, -0.02):
        two.data[1, 2] += step
        assert one.data[1, 2] == two.data[1, 2]
        losses.append(net._forward(1, last))  # on the same data
    assert (losses[0] - losses[1]) / 0.02 == pytest.approx(found, rel=1e-2, abs=1e-2)


# Shapes ---------------------------------------------------------------------------------------------------


def test_reshape_lets_shapes_flow(make, rng, nets):
    net = make(nets.deployed.split('layer { name: "ip"')[0])
    net.blobs["data"].reshape(1, 2, 9, 8)
    net.reshape()
    assert tuple(net.blobs["conv"].shape) == (1, 3, 7, 6)
    out = net.forward(data=rng.normal(size=(1, 2, 9, 8)))
    assert out["conv"].shape == (1, 3, 7, 6)


def test_forward_reshapes_too(make, rng, nets):
    net = make(nets.deployed)
    data = rng.normal(size=(7, 2, 6, 5))
    net.blobs["data"].reshape(7, 2, 6, 5)
    out = net.forward(data=data)["prob"]
    assert out.shape == (7, 5)
    net.blobs["data"].reshape(4, 2, 6, 5)
    np.testing.assert_allclose(net.forward(data=data[:4])["prob"], out[:4], rtol=1e-5)


def test_a_shape_that_the_params_do_not_fit(make, nets):
    net = make(nets.deployed)
    net.blobs["data"].reshape(4, 2, 8, 8)
    with pytest.raises(RuntimeError, match="layer 'ip'"):
        net.reshape()


# Callbacks ------------------------------------------------------------------------------------------------


def test_callbacks_around_layers(trained):
    told = []
    for event in ("before_forward", "after_forward", "before_backward", "after_backward"):
        getattr(trained, event)(lambda number, event=event: told.append((event, number)))
    trained.forward(start="ip", end="scores_ip_0_split")
    trained.backward(start="relu", end="conv")
    assert told == [
        ("before_forward", 5), ("after_forward", 5), ("before_forward", 6), ("after_forward", 6),
        ("before_backward", 4), ("after_backward", 4), ("before_backward", 3), ("after_backward", 3),
    ]  # fmt: skip


# Many items -----------------------------------------------------------------------------------------------


def test_forward_all(make, rng, nets):
    net = make(nets.deployed)
    data = rng.normal(size=(10, 2, 6, 5)).astype(np.float32)  # two batches and a half
    found = net.forward_all(blobs=["conv"], data=data)
    assert {name: array.shape for name, array in found.items()} == {"prob": (10, 5), "conv": (10, 3, 4, 3)}
    for first in (0, 4, 6):
        np.testing.assert_allclose(
            net.forward(data=data[first : first + 4])["prob"], found["prob"][first : first + 4], rtol=1e-5
        )


def test_forward_backward_all(make, rng, nets):
    net = make("force_backward: true " + nets.deployed)
    data, above = rng.normal(size=(6, 2, 6, 5)), rng.normal(size=(6, 5))
    values, gradients = net.forward_backward_all(blobs=["conv"], diffs=["scores"], data=data, prob=above)
    assert {name: len(array) for name, array in values.items()} == {"prob": 6, "conv": 6}
    assert {name: array.shape for name, array in gradients.items()} == {
        "data": (6, 2, 6, 5),
        "scores": (6, 5),
    }
    net.forward(data=data[:4])
    net.backward(prob=above[:4])
    np.testing.assert_allclose(gradients["data"][:4], net.blobs["data"].diff, rtol=1e-4, atol=1e-6)


def test_batches(make, rng, nets):
    net = make(nets.deployed)
    data = rng.normal(size=(6, 2, 6, 5))
    one, other = (batch["data"] for batch in net._batch({"data": data}))
    np.testing.assert_array_equal(np.concatenate([one, other[:2]]), data)
    assert not other[2:].any()
    assert list(net._batch({})) == []


# Params and files -----------------------------------------------------------------------------------------


def test_writing_params_takes_effect_at_once(make, rng, nets):
    net = make(nets.deployed)
    data = rng.normal(size=(4, 2, 6, 5))
    net.forward(data=data)
    for blob in net.params["ip"]:
        blob.data[...] = 0
    np.testing.assert_allclose(net.forward()["prob"], 0.2, rtol=1e-6)


def test_share_with_shares_the_values_alone(make, rng, nets):
    one, other = make(nets.trained, caffe.TRAIN), make(nets.trained, caffe.TRAIN)
    kept = other.params["conv"]
    other.share_with(one)
    assert other.params["conv"] is kept
    assert same_params(one, other)
    one.params["conv"][0].data[0, 0, 0, 0] = 42
    assert other.params["conv"][0].data[0, 0, 0, 0] == 42
    other.params["ip"][1].data[...] = 3
    assert (one.params["ip"][1].data == 3).all()
    data = rng.normal(size=(4, 2, 6, 5))
    labels = np.array([0, 1, 2, 3])
    other.forward(data=data, label=labels)
    other.backward()
    assert other.params["conv"][0].diff.any()
    assert not one.params["conv"][0].diff.any()
    one.forward(data=data, label=labels)
    np.testing.assert_array_equal(one.blobs["scores"].data, other.blobs["scores"].data)


def test_share_with_another_shape(make, nets):
    one = make(nets.deployed)
    other = make(nets.deployed.replace("num_output: 3", "num_output: 4"))
    with pytest.raises(RuntimeError, match="layer 'conv' has blobs of"):
        other.share_with(one)


def test_save_and_copy_from(make, nets):
    net = make(nets.deployed)
    net.save("w.bin")
    assert {layer.name: len(layer.blobs) for layer in read_weights("w.bin")} == {
        "data": 0, "conv": 2, "relu": 0, "ip": 2, "prob": 0,
    }  # fmt: skip
    other = make(nets.deployed)
    held = other.params["conv"][0].data
    other.copy_from("w.bin")
    np.testing.assert_array_equal(held, net.params["conv"][0].data)


def test_save_and_load_hdf5(make, nets):
    net = make(nets.deployed)
    net.save_hdf5("w")  # whatever its name
    other = make(nets.deployed)
    other.load_hdf5("w")
    assert same_params(net, other)
    assert Path("w").read_bytes().startswith(b"\x89HDF")


def test_weights_of_another_net(make, nets):
    make(nets.deployed.replace("num_output: 3", "num_output: 4")).save("w.caffemodel")
    net = make(nets.deployed)
    with pytest.raises(RuntimeError, match="conv"):
        net.copy_from("w.caffemodel")


def test_weights_of_a_net_without_a_common_layer(make, nets, capfd):
    make(nets.drawn).save("w.caffemodel")
    net = make(nets.deployed.replace('"ip"', '"other"'))
    held = net.params["other"][0].data.copy()
    net.copy_from("w.caffemodel")
    np.testing.assert_array_equal(net.params["other"][0].data, held)
    assert "w.caffemodel has no layer in common with the net" in capfd.readouterr().err


# MemoryData -----------------------------------------------------------------------------------------------

MEMORY = """
layer { name: "data" type: "MemoryData" top: "data" top: "label"
  memory_data_param { batch_size: 2 channels: 1 height: 3 width: 3 } }
layer { name: "power" type: "Power" bottom: "data" top: "power" power_param { scale: 2 } }
"""


def test_set_input_arrays(make, rng):
    net = make(MEMORY)
    data, labels = rng.normal(size=(4, 1, 3, 3)).astype(np.float32), np.arange(4, dtype=np.float32)
    net.set_input_arrays(data, labels)
    for rows in (slice(0, 2), slice(2, 4), slice(0, 2)):
        net.forward()
        np.testing.assert_array_equal(net.blobs["power"].data, 2 * data[rows])
        assert net.blobs["label"].data.tolist() == labels[rows].tolist()


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (np.zeros((2, 1, 3, 3)), np.zeros(2, np.float32), "float32"),
        (np.zeros((2, 1, 3, 4), np.float32), np.zeros(2, np.float32), "Nx1x3x3"),
        (np.zeros((2, 9), np.float32), np.zeros(2, np.float32), "Nx1x3x3"),
        (np.zeros((2, 1, 3, 3), np.float32, order="F"), np.zeros(2, np.float32), "C-contiguous"),
        (np.zeros((2, 1, 3, 3), np.float32), np.zeros(4, np.float32), "2 images, but 4 labels"),
        (np.zeros((3, 1, 3, 3), np.float32), np.zeros(3, np.float32), "multiple of batch_size 2"),
    ],
)
def test_arrays_that_do_not_fit(make, data, labels, message):
    with pytest.raises(RuntimeError, match=message):
        make(MEMORY).set_input_arrays(data, labels)


def test_a_net_that_takes_no_arrays(make, nets):
    with pytest.raises(RuntimeError, match="MemoryData"):
        make(nets.deployed).set_input_arrays(np.zeros((4, 2, 6, 5), np.float32), np.zeros(4, np.float32))


# Lifetime -------------------------------------------------------------------------------------------------


def test_arrays_and_blobs_outlive_the_net(trained):
    trained.forward()
    blobs = [*trained.blobs.values(), *trained.params["conv"]]
    arrays = [blob.data for blob in blobs]
    del trained
    gc.collect()
    assert np.isfinite(sum(array.sum() for array in arrays))
    assert np.isfinite(sum(blob.data.sum() + blob.diff.sum() for blob in blobs))
