"""`netspec upgrade`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.cli import main
from netspec.schema.document import parse_net, parse_solver
from netspec.schema.messages import NetParameter, SolverParameter
from netspec.weights import LayerBlobs, write_weights
from netspec.weights.caffemodel import read_caffemodel

GOLDEN = Path(__file__).parents[1] / "golden" / "upgrade"
LENET = Path(__file__).parents[3] / "shared" / "caffemodels" / "v1_era_everpeace2014_lenet"
OLD = 'name: "n" # a comment\nlayers { name: "a" type: RELU bottom: "x" top: "y" }\n'
NEW = 'name: "n"  # a comment\nlayer { name: "a" type: "ReLU" bottom: "x" top: "y" }\n'


@pytest.fixture
def cwd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def binary(path):
    return NetParameter.FromString(Path(path).read_bytes())


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("v0_deploy", "V0 padding layers, V0 layers, input fields"),
        ("v1_train", "data layers' transform fields, V1 layers"),
    ],
)
def test_recordings_of_caffes_tool(cwd, capsys, name, old):
    assert main(["upgrade", str(GOLDEN / f"{name}.prototxt"), "new.prototxt"]) == 0
    assert capsys.readouterr().out == f"new.prototxt: upgraded: {old}\n"
    assert parse_net("new.prototxt") == parse_net(GOLDEN / f"{name}.upgraded.prototxt")


def test_an_old_solver(cwd, capsys):
    assert main(["upgrade", str(GOLDEN / "solver_old_type.prototxt"), "new.prototxt"]) == 0
    assert capsys.readouterr().out == "new.prototxt: upgraded: solver_type\n"
    expected = parse_solver(GOLDEN / "solver_old_type.prototxt")
    expected.ClearField("solver_type")
    expected.type = "Nesterov"
    assert parse_solver("new.prototxt") == expected


@pytest.mark.parametrize("out", [["-"], []])
def test_to_stdout(cwd, capsys, out):
    Path("old.prototxt").write_text(OLD)
    assert main(["upgrade", "old.prototxt", *out]) == 0
    said = capsys.readouterr()
    assert said.out.startswith('name: "n"\nlayer {\n  name: "a"\n  type: "ReLU"\n')
    assert said.err == "old.prototxt: upgraded: V1 layers\n"


def test_what_is_new_stays_with_its_comments(cwd, capsys):
    Path("net.prototxt").write_text(NEW)
    assert main(["upgrade", "net.prototxt", "same.prototxt"]) == 0
    assert capsys.readouterr().out == "same.prototxt: already in today's form\n"
    assert Path("same.prototxt").read_text() == NEW


def test_a_file_onto_itself(cwd):
    Path("net.prototxt").write_text(OLD)
    assert main(["upgrade", "net.prototxt", "net.prototxt"]) == 0
    assert parse_net("net.prototxt").layer[0].type == "ReLU"
    Path("net.caffemodel").write_bytes(
        NetParameter(layers=[{"name": "a", "blobs": [{"data": [1]}]}]).SerializeToString()
    )
    assert main(["upgrade", "net.caffemodel", "net.caffemodel"]) == 0
    assert binary("net.caffemodel").layer[0].blobs[0].data == [1]


def test_either_form_from_either(cwd):
    Path("old.prototxt").write_text(OLD)
    assert main(["upgrade", "old.prototxt", "new.bin", "--binary"]) == 0
    assert binary("new.bin").layer[0].type == "ReLU"
    assert main(["upgrade", "new.bin", "back.prototxt", "-text"]) == 0
    assert parse_net("back.prototxt") == binary("new.bin")
    Path("old.bin").write_bytes(parse_net("old.prototxt").SerializeToString())
    assert main(["upgrade", "old.bin", "new.prototxt", "--text"]) == 0
    assert parse_net("new.prototxt") == binary("new.bin")
    assert main(["upgrade", "old.bin", "--text", "--binary"]) == 2


@pytest.mark.parametrize("text", [True, False])
def test_a_solver_in_binary_form(cwd, text):
    old = SolverParameter(net="n", base_lr=0.1, solver_type=SolverParameter.ADAM)
    Path("old").write_bytes(old.SerializeToString())
    assert main(["upgrade", "old", "new", *(["--text"] if text else [])]) == 0
    new = parse_solver("new") if text else SolverParameter.FromString(Path("new").read_bytes())
    assert new == SolverParameter(net="n", base_lr=0.1, type="Adam")


def test_the_kind_can_be_said(cwd, capsys):
    Path("empty.prototxt").write_text("debug_info: true\n")
    assert main(["upgrade", "empty.prototxt", "empty", "--kind", "solver", "--binary"]) == 0
    assert SolverParameter.FromString(Path("empty").read_bytes()).debug_info
    assert main(["upgrade", "empty.prototxt", "--kind=net"]) == 0
    assert main(["upgrade", "empty.prototxt", "--kind", "picture"]) == 2
    Path("old.prototxt").write_text(OLD)
    assert main(["upgrade", "old.prototxt", "--kind", "solver"]) == 1
    assert "'name' is a field of a net" in capsys.readouterr().err


@pytest.mark.parametrize("iteration", [5000, 10000])
def test_weights_of_2014(cwd, iteration):
    if not LENET.exists():
        pytest.skip("the facts folder is not here")
    old = LENET / f"lenet_iter_{iteration}.caffemodel"
    assert main(["upgrade", str(old), "new.caffemodel"]) == 0
    before, after = read_caffemodel(old), read_caffemodel("new.caffemodel")
    assert [layer.name for layer in before] == [layer.name for layer in after]
    theirs = NetParameter.FromString(old.read_bytes())
    ours = binary("new.caffemodel")
    assert [layer.type for layer in ours.layer][1:3] == ["Convolution", "Pooling"]
    assert [list(layer.blobs) for layer in ours.layer] == [list(layer.blobs) for layer in theirs.layers]
    assert not ours.layers
    assert main(["upgrade", "new.caffemodel", "again.caffemodel"]) == 0
    assert Path("again.caffemodel").read_bytes() == Path("new.caffemodel").read_bytes()


def test_the_nets_of_2014_are_checked_like_new_ones(cwd, capsys):
    if not LENET.exists():
        pytest.skip("the facts folder is not here")
    for path in LENET.glob("*.prototxt"):
        main(["check", str(path)])
    said = capsys.readouterr()
    assert "lenet.prototxt: ok (net 'LeNet', 9 layers TRAIN, 9 layers TEST)" in said.out
    heads = [line for line in said.err.splitlines() if ": error: " in line]
    assert heads
    assert all("no such file: 'examples/mnist/" in head for head in heads)


def test_weights_of_2013(cwd):
    conv = {
        "name": "c",
        "type": "conv",
        "kernelsize": 3,
        "blobs": [{"num": 1, "channels": 1, "height": 1, "width": 2, "data": [1, 2]}],
    }
    layers = [
        {"bottom": ["x"], "top": ["p"], "layer": {"name": "p", "type": "padding", "pad": 1}},
        {"bottom": ["p"], "top": ["c"], "layer": conv},
    ]
    net = NetParameter(name="n", input=["x"], layers=layers)
    Path("old.caffemodel").write_bytes(net.SerializeToString())
    assert main(["upgrade", "old.caffemodel", "new.caffemodel"]) == 0
    (layer,) = binary("new.caffemodel").layer
    assert (layer.type, list(layer.bottom), list(layer.convolution_param.pad)) == ("Convolution", ["x"], [1])
    assert list(layer.blobs) == list(net.layers[1].layer.blobs)
    assert not binary("new.caffemodel").input


def test_early_batch_norm_in_a_file_of_weights(cwd):
    layer = {"name": "bn", "type": "BatchNorm", "param": [{"lr_mult": 1}] * 3, "blobs": [{"data": [1]}] * 3}
    net = NetParameter(layer=[layer, {"name": "r", "type": "ReLU", "relu_param": {"negative_slope": 0.5}}])
    Path("old").write_bytes(net.SerializeToString())
    assert main(["upgrade", "old", "new"]) == 0
    for param in net.layer[0].param:
        param.lr_mult = param.decay_mult = 0
    assert binary("new") == net


def test_foreign_bytes_of_old_layers_are_not_lost_in_silence(cwd, capsys):
    from netspec.weights.wire import put_bytes

    layer = NetParameter(layers=[{"name": "a"}]).layers[0].SerializeToString() + b"".join(
        put_bytes(99, b"own")
    )
    Path("old").write_bytes(b"".join(put_bytes(2, layer)))
    assert main(["upgrade", "old", "new"]) == 0
    assert (
        "old: warning: byte 5: field 99 of an old layer is none of Caffe's: left out"
        in capsys.readouterr().err
    )


def test_text_of_contested_fields_comes_with_a_warning(cwd, capsys):
    Path("new").write_bytes(
        NetParameter(layer=[{"name": "c", "clip_param": {"min": 0, "max": 1}}]).SerializeToString()
    )
    assert main(["upgrade", "new", "text", "--text"]) == 0
    assert (
        "new: warning: some of these layers' fields have numbers that Caffe's forks use"
        in capsys.readouterr().err
    )


def test_failure_leaves_what_was_there(cwd, capsys):
    Path("old.prototxt").write_text('layers { layer { name: "a" type: "relu" kernelsize: 3 } }')
    Path("new.prototxt").write_text("before")
    assert main(["upgrade", "old.prototxt", "new.prototxt"]) == 1
    assert Path("new.prototxt").read_text() == "before"
    Path("old.prototxt").write_text(OLD)
    assert main(["upgrade", "old.prototxt", "nowhere/new.prototxt"]) == 1
    assert main(["upgrade", "missing.prototxt", "new.prototxt"]) == 1
    assert Path("new.prototxt").read_text() == "before"
    assert "missing.prototxt: error: no such file" in capsys.readouterr().err


def test_weights_in_other_formats_are_left_to_convert(cwd, capsys):
    for suffix in (".caffemodel.h5", ".safetensors", ".npz"):
        write_weights(f"w{suffix}", [LayerBlobs("a", blobs={0: np.ones(3, np.float32)})])
        assert main(["upgrade", f"w{suffix}", "new"]) == 1
        said = capsys.readouterr().err
        assert "expected a text or Caffe's binary form, not" in said
        assert "`netspec convert`" in said
    assert not Path("new").exists()


def test_no_binary_on_a_terminal(cwd, capsys, monkeypatch):
    Path("old.prototxt").write_text(OLD)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["upgrade", "-binary", "old.prototxt"]) == 2
    assert "name a file" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"\x89HDF\r\n\x1a\n" + bytes(99), b"\x12\x7f\x01", bytes(range(200))])
def test_other_files_are_refused(cwd, capsys, content):
    Path("old").write_bytes(content)
    assert main(["upgrade", "old", "new"]) == 1
    assert "old: error: " in capsys.readouterr().err
    assert not Path("new").exists()


def test_random_damage_never_crashes(cwd, capsys):
    net = NetParameter(
        name="n",
        input=["x"],
        layers=[
            {"bottom": ["x"], "top": ["p"], "layer": {"name": "p", "type": "padding", "pad": 1}},
            {"bottom": ["p"], "layer": {"name": "c", "type": "conv", "blobs": [{"data": [1, 2]}]}},
            {"name": "v1", "type": "POOLING", "pooling_param": {"pool": 1}, "blobs_lr": [1], "param": ["w"]},
        ],
    )  # fmt: skip
    whole = np.frombuffer(net.SerializeToString(), np.uint8)
    random = np.random.default_rng(0)
    for _ in range(300):
        broken = whole.copy()
        broken[random.integers(len(whole), size=2)] = random.integers(256, size=2)
        Path("old").write_bytes(broken[: random.integers(1, len(whole) + 1)].tobytes())
        assert main(["upgrade", "old", "new"]) in (0, 1)
    capsys.readouterr()


def test_damage_in_what_an_upgrade_leaves_alone_shows_when_it_becomes_text(cwd, capsys):
    layer = b"\x0a\x01a" + b"\xd2\x06\x01\x08"  # its name, and a convolution_param that is cut short
    Path("old").write_bytes(b"\xa2\x06" + bytes([len(layer)]) + layer)
    assert main(["upgrade", "--text", "old", "new"]) == 1
    assert "old: error: byte 0: expected a net: " in capsys.readouterr().err
    assert not Path("new").exists()


def test_an_old_solver_trains_an_old_net_as_its_new_twin(cwd):
    from netspec import load_solver

    Path("net.prototxt").write_text(
        """layers { name: "in" type: DUMMY_DATA top: "x" top: "t" dummy_data_param {
  shape { dim: [4, 3] } shape { dim: [4, 2] } data_filler { value: 1 } data_filler { value: 2 } } }
layers { name: "ip" type: INNER_PRODUCT bottom: "x" top: "y" blobs_lr: 1 blobs_lr: 2
  inner_product_param { num_output: 2 weight_filler { type: "constant" value: 0.5 } } }
layers { name: "loss" type: EUCLIDEAN_LOSS bottom: "y" bottom: "t" loss_weight: 0.5 }
"""
    )
    text = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 3 momentum: 0.9 solver_mode: CPU\n'
    Path("solver.prototxt").write_text(f"{text}solver_type: SGD\n")
    found = []
    for _ in range(2):
        solver = load_solver("solver.prototxt")
        solver.step(3)
        found.append([blob.tolist() for blob in solver.net.params["ip"]])
        for path in ("net.prototxt", "solver.prototxt"):
            assert main(["upgrade", path, path]) == 0
    assert found[0] == found[1]
    assert found[0][1] != [0, 0]
