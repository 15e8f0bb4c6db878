"""Pictures during a training: the same items each time, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import netspec
from netspec.viz.live_pictures import LivePictures

NET = """
layer {
  name: "digits" type: "ClutteredDigits" top: "data" top: "label"
  cluttered_digits_param { batch_size: 4 height: 16 width: 16 digit_size: 12 clutter: 0 }
}
layer {
  name: "norm" type: "BatchNorm" bottom: "data" top: "norm"
  batch_norm_param { use_global_stats: false }
}
layer { name: "drop" type: "Dropout" bottom: "norm" top: "drop" }
layer {
  name: "where" type: "InnerProduct" bottom: "drop" top: "theta"
  inner_product_param { num_output: 6 weight_filler { type: "gaussian" std: 0.01 } }
}
layer {
  name: "look" type: "SpatialTransformer" bottom: "data" bottom: "theta" top: "seen"
  st_param { output_H: 8 output_W: 8 }
}
layer {
  name: "classify" type: "InnerProduct" bottom: "seen" top: "scores"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } }
}
layer { name: "judge" type: "Accuracy" bottom: "scores" bottom: "label" top: "accuracy"
  include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" test_iter: 1 test_interval: 2 base_lr: 0.05 lr_policy: "fixed" display: 0 max_iter: 6
snapshot_prefix: "run" solver_mode: CPU random_seed: 7
"""


def written(folder, net=NET):
    (folder / "net.prototxt").write_text(net)
    (folder / "solver.prototxt").write_text(SOLVER)


@pytest.fixture
def solver(tmp_path, monkeypatch):
    written(tmp_path)
    monkeypatch.chdir(tmp_path)
    solver = netspec.load_solver("solver.prototxt")
    yield solver
    solver.close()


def state(solver):
    nets = [solver.net, *solver.test_nets]
    numbers = [
        *solver.random.get(),
        *(value.detach() for net in nets for value in (*net.parameters(), *net.buffers())),
    ]
    return [value.clone() for value in numbers], [feed.position for net in nets for feed in net.data.values()]


def test_drawing_leaves_everything_as_it_is(solver):
    solver.step(3)
    numbers, positions = state(solver)
    LivePictures(solver, 0).draw(3)
    after, positions_after = state(solver)
    assert all(map(torch.equal, numbers, after))
    assert positions == positions_after == [3, 2]


def test_the_pass_would_leave_traces(solver):
    """What the test above is worth: this net's averages do change by a pass through it."""
    before, _ = state(solver)
    solver.test_nets[0]()
    after, _ = state(solver)
    assert not all(map(torch.equal, before, after))


def trained(folder, monkeypatch, *, draws):
    """The bytes of the last snapshot, of a training in which each event has a picture, or none."""
    folder.mkdir()
    written(folder)
    monkeypatch.chdir(folder)
    solver = netspec.load_solver("solver.prototxt")
    pictures = LivePictures(solver, 0)
    if draws:
        solver.listeners.append(lambda event: pictures.draw(solver.iteration))
    solver.train()
    solver.close()
    return [Path(f"run_iter_6.{kind}").read_bytes() for kind in ("caffemodel", "solverstate")]


def test_training_comes_out_the_same_to_the_bit(tmp_path, monkeypatch):
    plain = trained(tmp_path / "plain", monkeypatch, draws=False)
    assert trained(tmp_path / "drawn", monkeypatch, draws=True) == plain


def test_the_items_stay_the_same(solver):
    pictures = LivePictures(solver, 0)
    first = pictures.draw(0)
    assert pictures.draw(1) == first
    image = cv2.imdecode(np.frombuffer(first.content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (first.height, first.width, 3)
    solver.step(5)
    second = pictures.draw(5)
    assert second.content != first.content
    assert (second.width, pictures.drawn) == (first.width, 5)


def test_after_an_error_everything_is_as_it_was(solver, monkeypatch):
    numbers, _ = state(solver)
    monkeypatch.setattr("netspec.viz.live_pictures.observe", lambda net, feeds: net() and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        LivePictures(solver, 0).draw(0)
    assert all(map(torch.equal, numbers, state(solver)[0]))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("", ""),
        (
            'layer { name: "out" type: "HDF5Output" bottom: "seen" bottom: "label" '
            'hdf5_output_param { file_name: "out.h5" } }',
            "has the layer 'out', for which each pass counts",
        ),
        (
            'layer { name: "more" type: "Input" top: "more" input_param { shape { dim: 1 } } }',
            "its data itself",
        ),
    ],
)
def test_nets_that_are_left_alone(compile_net_text, layer, reason):
    assert LivePictures.reason_against(compile_net_text(NET + layer)).endswith(reason)


def test_a_net_without_transformer(compile_net_text):
    text = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 } } }'
    assert LivePictures.reason_against(compile_net_text(text)) == "has no spatial transformer"


@pytest.fixture
def compile_net_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def compiled(text):
        Path("net.prototxt").write_text(text)
        return netspec.compile_net("net.prototxt")

    return compiled
