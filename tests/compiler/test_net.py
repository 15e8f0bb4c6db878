"""The compiled net."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import fx, nn

import netspec
from netspec.compiler.net import LearnableParam
from netspec.errors import NetError, ParseError, ShapeError
from netspec.text.source import Source

IN = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }\n'
LABEL = 'layer { name: "in2" type: "Input" top: "t" input_param { shape { dim: 2 dim: 3 } } }\n'
DRAW = """layer { name: "draw" type: "DummyData" top: "x" top: "t"
  dummy_data_param { shape { dim: 2 dim: 4 } shape { dim: 2 dim: 3 } data_filler { type: "gaussian" } } }
"""
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }\n'


def ip(name="ip", bottom="x", top="y", num_output=3, fields=""):
    return f"""layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{top}"
  {fields} inner_product_param {{ num_output: {num_output} weight_filler {{ type: "xavier" }} }} }}
"""


DRAWN = DRAW + ip() + LOSS


@pytest.fixture
def x():
    return torch.randn(2, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def net(compile_text):
    return compile_text(f'name: "n" {IN}{ip()}', seed=1)


@pytest.fixture
def drawing(compile_text):
    """A net that draws its own batches, and its loss."""
    nets = []

    def make(seed=1, text=DRAWN):
        nets.append(compile_text(text, seed=seed))
        return nets[-1]

    yield make
    for made in nets:
        made.close()


# What a net says of itself --------------------------------------------------------------------------------


def test_what_it_is(net):
    assert isinstance(net, nn.Module)
    assert isinstance(net.graph_module, fx.GraphModule)
    assert (net.inputs, net.outputs, net.blobs) == (["x"], ["y"], {"x": (2, 4), "y": (2, 3)})
    assert (net.batch_size, net.device, net.graph.name) == (2, torch.device("cpu"), "n")


def test_the_layers_are_listed_once_under_their_own_names(net):
    assert list(net.state_dict()) == ["ip.weight", "ip.bias"]
    assert [name for name, _ in net.named_children()] == ["in", "ip"]
    assert net.graph_module.get_submodule("ip") is net.get_submodule("ip")


@pytest.mark.parametrize(
    "name",
    ["conv-1", "a/b", "1x1", "class", "train", "type", "data", "loss", "forward", "code", "training", "graph",
     "inputs", "outputs", "blobs", "params", "device", "loss_weights", "_like", "_sources", "_modules"],
)  # fmt: skip
def test_any_layer_name_will_do(compile_text, x, name):
    net = compile_text(IN + ip(name), seed=1)
    assert list(net.state_dict()) == [f"{name}.weight", f"{name}.bias"]
    assert list(net.params) == [name]
    assert (net.inputs, net.outputs, net.data) == (["x"], ["y"], {})
    for twin in (copy.deepcopy(net).train(), compile_text(IN + ip(name), seed=1).eval()):
        assert torch.equal(twin(x=x)["y"], net(x=x)["y"])
    assert net.training is dict(net.named_modules())[name].training is False


def test_layer_names_with_dots(compile_text, x):
    text = IN + "".join(ip(name, top=name) for name in ("a.b", "a", "a.c.d", "e."))
    net, other = (compile_text(text, seed=seed) for seed in (1, 2))
    assert sorted(net.state_dict()) == sorted(param.name for param in net.learnable_params)
    other.load_state_dict(net.state_dict())
    assert same(other(x=x).values(), net(x=x).values()) == [True] * 4
    assert list(net.double().params) == ["a.b", "a", "a.c.d", "e."]
    assert {blob.dtype for blobs in net.params.values() for blob in blobs} == {torch.float64}


def test_the_state_goes_out_and_in(compile_text, x, tmp_path):
    net, other = (compile_text(IN + ip(), seed=seed) for seed in (1, 2))
    assert not torch.equal(other(x=x)["y"], net(x=x)["y"])
    torch.save(net.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(other(x=x)["y"], net(x=x)["y"])


def test_weights_go_out_and_in(compile_text, net, x, tmp_path):
    net.save_weights(tmp_path / "net.caffemodel")
    other = netspec.compile_net(net_message(IN + ip()), weights=tmp_path / "net.caffemodel")
    assert torch.equal(other(x=x)["y"], net(x=x)["y"])


def test_params_are_all_blobs_and_learnable_params_the_solver_s(compile_text):
    shared = 'param { name: "w" lr_mult: 2 } param { lr_mult: 0 decay_mult: 0 }'
    net = compile_text(IN + ip("a", fields=shared) + ip("b", top="z", fields='param { name: "w" }'))
    (wa, ba), (wb, bb) = net.params["a"], net.params["b"]
    assert wa is wb
    assert [wa.requires_grad, ba.requires_grad, bb.requires_grad] == [True, False, True]
    assert net.learnable_params == [
        LearnableParam("a.weight", wa, 2, 1),
        LearnableParam("a.bias", ba, 0, 0),
        LearnableParam("b.bias", bb, 1, 1),
    ]
    assert sorted(net.state_dict()) == ["a.bias", "a.weight", "b.bias", "b.weight"]


# Running --------------------------------------------------------------------------------------------------


def test_it_computes(net, x):
    weight, bias = net.params["ip"]
    assert set(net(x=x)) == {"y"}
    torch.testing.assert_close(net(x=x)["y"], x @ weight.T + bias)


@pytest.mark.parametrize(
    "convert", [lambda x: x.numpy(), lambda x: x.double().numpy(), lambda x: x.double(), torch.Tensor.tolist]
)
def test_feeds_are_brought_to_the_net_s_type(net, x, convert):
    torch.testing.assert_close(net(x=convert(x))["y"], net(x=x)["y"])


def test_integers_may_be_fed(net):
    ones = net(x=torch.ones(2, 4))["y"]
    for whole in (torch.ones(2, 4, dtype=torch.uint8), np.ones((2, 4), np.int64)):
        assert torch.equal(net(x=whole)["y"], ones)


def test_another_batch_size(net, x):
    torch.testing.assert_close(net(x=x[:1])["y"], net(x=x)["y"][:1])
    assert net(x=torch.zeros(7, 4))["y"].shape == (7, 3)


def test_gradients_flow_to_inputs_and_blobs(net, x):
    x.requires_grad_()
    net(x=x)["y"].sum().backward()
    weight, bias = net.params["ip"]
    torch.testing.assert_close(x.grad, weight.sum(0).expand(2, 4))
    torch.testing.assert_close(weight.grad, x.detach().sum(0).expand(3, 4))
    assert bias.grad.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("feeds", "expected"),
    [
        ({}, "NetError\nerror: input 'x' is not fed\n   help: call the net with x=<tensor of 2x4>\n"),
        (
            {"x": (2, 4), "y": (2, 3)},
            "NetError\nerror: net 'n' has no input 'y'\n   help: the net's inputs: x\n",
        ),
        ({"X": (2, 4)}, "NetError\nerror: net 'n' has no input 'X'\n   help: did you mean 'x'?\n"),
        (
            {"x": (2, 5)},
            "ShapeError\nerror: input 'x' is fed 2x5, but the net was compiled for 2x4\n"
            "   help: only the first axis may differ; change the shape in the text for another\n",
        ),
        (
            {"x": (2, 4, 1)},
            "ShapeError\nerror: input 'x' is fed 2x4x1, but the net was compiled for 2x4\n"
            "   help: only the first axis may differ; change the shape in the text for another\n",
        ),
    ],
)
def test_feeds_that_do_not_fit(net, report, feeds, expected):
    assert report(net, **{name: torch.zeros(shape) for name, shape in feeds.items()}) == expected


def test_first_axes_that_do_not_fit_together(compile_text, report):
    net = compile_text(IN + LABEL + ip() + LOSS)
    found = report(net, x=torch.zeros(2, 4), t=torch.zeros(5, 3)).splitlines()
    assert found[:1] == ["ShapeError"]
    assert found[1].startswith("error: the net cannot run on x 2x4, t 5x3: ")
    assert found[-1] == "   help: it was compiled for x 2x4, t 2x3: let the first axes change together"


def test_a_failure_that_is_not_the_feeds_keeps_its_type(compile_text, monkeypatch):
    net = compile_text(IN + LABEL + ip() + LOSS)

    def fail(_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(net.ip, "forward", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        net(x=torch.zeros(3, 4), t=torch.zeros(3, 3))


def test_a_net_that_draws_has_no_inputs_but_its_data(drawing, report):
    assert report(drawing(), z=1).splitlines()[1:] == [
        "error: net '' has no input 'z'",
        "   help: the net's inputs: x, t",
    ]


# Losses ---------------------------------------------------------------------------------------------------


def test_the_loss_is_the_weighted_sum(compile_text, x):
    power = 'layer { name: "p" type: "Power" bottom: "y" top: "p" loss_weight: 0.5 }\n'
    square = 'layer { name: "q" type: "Power" bottom: "p" top: "q" power_param { power: 2 } }\n'
    net = compile_text(IN + LABEL + ip() + power + square + LOSS, seed=1)
    out = net(x=x, t=np.zeros((2, 3)))
    assert net.loss_weights == {"p": 0.5, "loss": 1.0}
    assert list(out) == ["loss", "q", "p"]
    torch.testing.assert_close(out["loss"], (out["p"] ** 2).sum() / 4)
    torch.testing.assert_close(net.loss(out), 0.5 * out["p"].sum() + out["loss"])
    net.loss(out).backward()
    torch.testing.assert_close(net.params["ip"][1].grad, 1 + out["p"].detach().sum(0) / 2)


def test_a_net_without_a_loss_has_loss_zero(net, x):
    loss = net.loss(net(x=x))
    assert (loss.item(), loss.shape) == (0, ())


def test_a_single_loss_is_a_scalar(compile_text, x):
    net = compile_text(IN + LABEL + ip() + LOSS.replace('top: "loss"', 'top: "loss" loss_weight: 3'))
    out = net(x=x, t=torch.zeros(2, 3))
    assert net.loss(out).shape == ()
    torch.testing.assert_close(net.loss(out), 3 * out["loss"])


def test_propagate_down_stops_the_gradient(compile_text, x):
    net = compile_text(IN + ip("a", top="a") + ip("b", "a", "b", fields="propagate_down: false"))
    x.requires_grad_()
    net(x=x)["b"].sum().backward()
    assert x.grad is None
    assert [blob.grad is None for blob in (*net.params["a"], *net.params["b"])] == [True, True, False, False]


# Data -----------------------------------------------------------------------------------------------------


def test_without_feeds_the_next_batch_is_drawn_and_shown(drawing):
    net = drawing()
    first, second = net(), net()
    assert list(first) == ["x", "t", "loss"]
    assert not torch.equal(first["x"], second["x"])
    assert (net.inputs, list(net.data), net.data["draw"].position) == ([], ["draw"], 2)
    net.data["draw"].position = 0
    assert torch.equal(net()["x"], first["x"])


def test_tops_of_data_layers_may_be_fed_instead(drawing, x):
    net = drawing()
    out = net(x=x, t=torch.zeros(2, 3))
    assert list(out) == ["loss"]
    assert net.data["draw"].position == 0


def test_what_is_fed_is_not_drawn(drawing, x):
    net = drawing()
    t = drawing()()["t"]
    out = net(x=x)
    assert list(out) == ["t", "loss"]
    assert torch.equal(out["t"], t)
    torch.testing.assert_close(out["loss"], net(x=x, t=t)["loss"])


def test_inputs_beside_data_layers_must_be_fed(drawing, report):
    net = drawing(text=DRAW + IN.replace('"x"', '"z"') + ip() + LOSS)
    assert report(net).splitlines()[1] == "error: input 'z' is not fed"
    assert list(net(z=torch.zeros(2, 4))) == ["x", "t", "loss", "z"]


# Seeds ----------------------------------------------------------------------------------------------------


def draws(net):
    return [*net.params["ip"], *(net()[name] for name in ("x", "t"))]


def same(a, b):
    return [torch.equal(one, other) for one, other in zip(a, b, strict=True)]


def test_a_seed_decides_all_that_is_drawn(drawing):
    first, again, other = (draws(drawing(seed)) for seed in (3, 3, 4))
    assert same(first, again) == [True, True, True, True]
    assert same(first, other) == [False, True, False, False]  # biases start at zero


def test_without_a_seed_pytorch_s_own_decides(drawing):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        first, second = draws(drawing(None)), draws(drawing(None))
        torch.manual_seed(5)
        again = draws(drawing(None))
    assert same(first, again) == [True, True, True, True]
    assert same(first, second) == [False, True, False, False]


def test_a_seed_leaves_pytorch_s_own_alone(drawing):
    before = torch.get_rng_state()
    drawing(3)()
    assert torch.equal(torch.get_rng_state(), before)


def test_data_layers_draw_independently_and_differently_in_each_phase(compile_text):
    text = DRAW + DRAW.replace('"draw"', '"draw2"').replace('"x"', '"x2"').replace('"t"', '"t2"')
    nets = [compile_text(text, seed=1, phase=phase) for phase in ("TRAIN", "TEST")]
    train, test = (net() for net in nets)
    assert not torch.equal(train["x"], train["x2"])
    assert not torch.equal(train["x"], test["x"])
    for net in nets:
        net.close()


# Sharing --------------------------------------------------------------------------------------------------

PERMISSIVE = (
    IN
    + ip("a", fields='param { name: "w" }', num_output=2)
    + 'layer { name: "half" type: "Slice" bottom: "x" top: "l" top: "r" }\n'
    + 'layer { name: "hush" type: "Silence" bottom: "r" }\n'
    + ip("b", "l", "z", fields='param { name: "w" share_mode: PERMISSIVE }', num_output=4)
)


@pytest.fixture
def permissive(compile_text):
    return compile_text(PERMISSIVE, seed=1)


def test_permissive_sharing_computes_and_learns_from_both_uses(permissive, x):
    (w, _), (view, _) = permissive.params["a"], permissive.params["b"]
    assert list(permissive.state_dict()) == ["a.weight", "a.bias", "b.bias"]
    assert [param.name for param in permissive.learnable_params] == ["a.weight", "a.bias", "b.bias"]
    assert torch.equal(view, w.view(4, 2))
    out = permissive(x=x)
    torch.testing.assert_close(out["z"], x[:, :2] @ w.view(4, 2).T)
    (out["y"].sum() + out["z"].sum()).backward()
    a, b = x.sum(0).expand(2, 4), x[:, :2].sum(0).expand(4, 2)
    torch.testing.assert_close(w.grad, a + b.reshape(2, 4))


def test_a_strictly_shared_blob_learns_from_both_uses(compile_text, x):
    net = compile_text(
        IN + ip("a", fields='param { name: "w" }') + ip("b", top="z", fields='param { name: "w" }')
    )
    out = net(x=x)
    (out["y"].sum() + 2 * out["z"].sum()).backward()
    torch.testing.assert_close(net.params["a"][0].grad, 3 * x.sum(0).expand(3, 4))


def test_two_blobs_of_one_layer_may_be_one(compile_text):
    text = ip(num_output=1, fields='param { name: "w" } param { name: "w" share_mode: PERMISSIVE }')
    net = compile_text(IN.replace("dim: 4", "dim: 1") + text, seed=1)
    (weight, bias), x = net.params["ip"], torch.tensor([[1.0], [3.0]])
    assert weight.item() == bias.item() != 0
    torch.testing.assert_close(net(x=x)["y"], weight * (x + 1))


def test_a_copy_is_independent(permissive, x):
    twin = copy.deepcopy(permissive)
    before = twin(x=x)
    with torch.no_grad():
        for blob in permissive.parameters():
            blob.fill_(7)
    after = twin(x=x)
    assert same(before.values(), after.values()) == [True, True]
    with torch.no_grad():
        twin.params["a"][0].fill_(1)
    assert twin.params["b"][0].unique().tolist() == [1]


def test_a_copy_draws_on_by_itself(drawing):
    net = drawing()
    net()
    twin = copy.deepcopy(net)
    assert torch.equal(net()["x"], twin()["x"])
    net()
    assert (net.data["draw"].position, twin.data["draw"].position) == (3, 2)
    twin.close()


def test_another_type(permissive, x):
    plain = permissive(x=x)
    twin = copy.deepcopy(permissive).double()
    out = twin(x=x.numpy())
    assert {value.dtype for value in out.values()} == {torch.float64}
    assert twin.loss(out).dtype == torch.float64
    for name, value in plain.items():
        torch.testing.assert_close(out[name].float(), value)


def test_a_net_of_another_type_draws_in_it(drawing):
    assert {value.dtype for value in drawing().double()().values()} == {torch.float64}


@pytest.mark.parametrize("text", [IN + ip("a"), PERMISSIVE], ids=["plain", "permissive"])
def test_a_test_net_uses_the_train_net_s_blobs(compile_text, x, text):
    train = compile_text(text, seed=1, phase="TRAIN")
    test = compile_text(text + ip("more", top="more"), seed=2)
    own = test.params["more"][0].clone()
    test.share_weights_with(train)
    assert test.params["a"][0] is train.params["a"][0]
    assert test.params["a"][1] is train.params["a"][1]
    assert torch.equal(test.params["more"][0], own)
    with torch.no_grad():
        for blob in train.parameters():
            blob.add_(1)
    theirs, mine = train(x=x), test(x=x)
    assert all(torch.equal(mine[name], value) for name, value in theirs.items())


def test_a_test_net_of_plain_layers_uses_a_view(compile_text, x):
    train = compile_text(PERMISSIVE, seed=1)
    test = compile_text(PERMISSIVE.replace(' param { name: "w" share_mode: PERMISSIVE }', ""), seed=2)
    test.share_weights_with(train)
    with torch.no_grad():
        train.params["a"][0].fill_(2)
    assert torch.equal(test(x=x)["z"], train(x=x)["z"])


def test_nets_whose_blobs_differ_do_not_share(compile_text, report):
    one, other = compile_text(IN + ip("a")), compile_text(IN + "\n" + ip("a", num_output=5))
    assert report(one.share_weights_with, other) == (
        """NetError
net.prototxt:2:1: error: layer 'a' has blobs of 3x4 and 3, but shares those of the layer of its name in """
        """another net, which are of 5x4 and 5
    2 | layer { name: "a" type: "InnerProduct" bottom: "x" top: "y"
      | ^^^^^
net.prototxt:3:1: note: that layer
    3 | layer { name: "a" type: "InnerProduct" bottom: "x" top: "y"
      | ^^^^^
   help: layers share by name: rename this one to give it blobs of its own
"""
    )


# Engines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ip", "data", "a/b"])
def test_torch_compile_gives_the_same(compile_text, x, name):
    layers = ip(name, fields='param { name: "w" }', num_output=4) + ip(
        "b", "y", "z", 4, 'param { name: "w" }'
    )
    net = compile_text(IN + layers, seed=1)
    eager = net(x=x)["z"]
    eager.sum().backward()
    weight = net.params[name][0]
    expected, weight.grad = weight.grad, None
    out = torch.compile(net, backend="eager", fullgraph=True)(x=x)["z"]
    out.sum().backward()
    torch.testing.assert_close(out, eager)
    torch.testing.assert_close(weight.grad, expected)


def test_torch_compile_of_permissive_sharing(permissive, x):
    out = torch.compile(permissive, backend="eager", fullgraph=True)(x=x)
    torch.testing.assert_close(out, permissive(x=x))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_agrees_with_the_cpu(compile_text, x):
    cpu, gpu = (compile_text(PERMISSIVE, seed=1, device=device) for device in ("cpu", "cuda"))
    assert gpu.device.type == "cuda"
    out, there = cpu(x=x), gpu(x=x)
    for name, value in out.items():
        assert there[name].device.type == "cuda"
        torch.testing.assert_close(there[name].cpu(), value)
    moved = copy.deepcopy(cpu).to("cuda")
    torch.testing.assert_close(moved(x=x)["z"], there["z"])


def test_a_net_without_blobs_is_where_it_was_put(compile_text):
    net = compile_text(IN + 'layer { name: "p" type: "Power" bottom: "x" top: "y" }', device="meta")
    assert net.device.type == net(x=torch.zeros(2, 4))["y"].device.type == "meta"


# compile_net ----------------------------------------------------------------------------------------------


def net_message(text):
    return netspec.parse_net(Source("net.prototxt", text))


def test_path_message_and_document_are_all_sources(read, x, tmp_path):
    (tmp_path / "net.prototxt").write_text(IN + ip())
    path, document = tmp_path / "net.prototxt", read(IN + ip())
    first, *others = (
        netspec.compile_net(source, seed=1)(x=x)["y"]
        for source in (path, str(path), document, document.message, netspec.parse_net(path))
    )
    assert all(torch.equal(first, other) for other in others)


def test_a_message_s_errors_point_into_its_print(read, report):
    message = read('layer { name: "a" type: "ReLU" bottom: "x" top: "y" }').message
    lines = report(netspec.compile_net, message).splitlines()
    assert lines[1] == "<message>:4:11: error: layer 'a' reads blob 'x', which no layer above it makes"
    assert lines[2] == '    4 |   bottom: "x"'


PHASES = """state { stage: "own" level: 1 }
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 } } }
layer { name: "train" type: "Power" bottom: "x" top: "train" include { phase: TRAIN } }
layer { name: "test" type: "Power" bottom: "x" top: "test" include { phase: TEST } }
layer { name: "own" type: "Power" bottom: "x" top: "own" include { stage: "own" } }
layer { name: "more" type: "Power" bottom: "x" top: "more" include { stage: "own" stage: "more" } }
layer { name: "level" type: "Power" bottom: "x" top: "level" include { min_level: 2 } }
"""


@pytest.mark.parametrize(
    ("options", "outputs"),
    [
        ({}, ["own", "test"]),
        ({"phase": "TRAIN"}, ["own", "train"]),
        ({"phase": netspec.TRAIN}, ["own", "train"]),
        ({"phase": netspec.TEST}, ["own", "test"]),
        ({"stages": ["more"]}, ["more", "own", "test"]),
        ({"level": 2}, ["level", "own", "test"]),
    ],
)
def test_phase_stages_and_level(compile_text, options, outputs):
    net = compile_text(PHASES, **options)
    assert net.outputs == outputs
    assert net.training is ("train" in outputs)


def test_there_are_two_phases(compile_text):
    with pytest.raises(ValueError, match="phase is 'TRAIN' or 'TEST', not 'train'"):
        compile_text("", phase="train")


def test_errors_name_the_stage_that_found_them(tmp_path):
    for text, error in [("layer {", ParseError), ('layer { type: "No" }', NetError)]:
        (tmp_path / "net.prototxt").write_text(text)
        with pytest.raises(error) as caught:
            netspec.compile_net(tmp_path / "net.prototxt")
        assert type(caught.value) is error
    assert issubclass(ShapeError, NetError)


# Labels that are no class ---------------------------------------------------------------------------------

SCORES = ip() + 'layer { name: "in2" type: "Input" top: "t" input_param { shape { dim: 2 } } }\n'
LABELLED = {
    "SoftmaxWithLoss": "",
    "Accuracy": "",
    "HingeLoss": "",
    "MultinomialLogisticLoss": "",
    "InfogainLoss": 'bottom: "h"',
}


def labelled(kind, bottom="t"):
    matrix = 'layer { name: "in3" type: "Input" top: "h" input_param { shape { dim: 3 dim: 3 } } }\n'
    top = f'layer {{ name: "l" type: "{kind}" bottom: "y" bottom: "{bottom}" {LABELLED[kind]} top: "l" }}\n'
    return IN + SCORES + (matrix if LABELLED[kind] else "") + top


@pytest.mark.parametrize("kind", LABELLED)
@pytest.mark.parametrize("label", [3, -1, -100, float("nan")])
def test_a_fed_label_that_is_no_class(compile_text, report, x, kind, label):
    net = compile_text(labelled(kind))
    feeds = {"x": x, "t": torch.tensor([2, label])} | ({"h": torch.eye(3)} if LABELLED[kind] else {})
    lines = report(net, **feeds).splitlines()
    assert f"error: layer 'l' ({kind}) on y 2x3, t 2" in lines[1]
    assert lines[1].endswith(f": expected labels from 0 to 2, found {label}")
    assert lines[3].endswith("^^^")  # under "t"


@pytest.mark.parametrize("kind", LABELLED)
@pytest.mark.parametrize("label", [3, -1, -100])
def test_a_computed_label_that_is_no_class(compile_text, x, kind, label):
    shifted = f'layer {{ name: "p" type: "Power" bottom: "t" top: "s" power_param {{ shift: {label} }} }}\n'
    text = labelled(kind, bottom="s").replace('layer { name: "l"', shifted + 'layer { name: "l"')
    feeds = {"x": x, "t": torch.zeros(2)} | ({"h": torch.eye(3)} if LABELLED[kind] else {})
    with pytest.raises(ShapeError, match=rf"layer 'l' \({kind}\) on y 2x3, s 2.*: .*out of (bounds|range)"):
        compile_text(text)(**feeds)


def test_a_drawn_label_that_is_no_class(drawing):
    draw = """layer { name: "draw" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 2 dim: 4 } shape { dim: 2 } data_filler { value: 1 } data_filler { value: 7 } } }
"""
    loss = 'layer { name: "l" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" }'
    with pytest.raises(ShapeError, match="expected labels from 0 to 2, found 7"):
        drawing(text=draw + ip() + loss)()


def test_a_label_to_be_ignored_need_not_be_a_class(compile_text, x):
    net = compile_text(
        labelled("SoftmaxWithLoss").replace('top: "l" }', 'top: "l" loss_param { ignore_label: 255 } }')
    )
    assert net(x=x, t=torch.tensor([255, 1]))["l"].isfinite()
    with pytest.raises(ShapeError, match="found 254"):
        net(x=x, t=torch.tensor([255, 254]))


def test_labels_that_lie_on_a_device_are_not_looked_at(compile_text, x):
    net = compile_text(labelled("SoftmaxWithLoss")).to("meta")
    assert net(x=x.to("meta"), t=torch.tensor([0, 7], device="meta"))["l"].is_meta
    with pytest.raises(ShapeError, match="found 7"):
        net(x=x, t=torch.tensor([0, 7]))


def test_torch_compile_of_labels_is_one_graph(compile_text):
    net = compile_text(
        'input: "x" input_shape { dim: 2 dim: 3 } input: "t" input_shape { dim: 2 }\n'
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "loss" }'
    )
    feeds = {"x": torch.rand(2, 3), "t": torch.tensor([0, 2])}
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(**feeds), net(**feeds))
