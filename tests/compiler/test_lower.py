"""From graph to `torch.fx.GraphModule`."""

from __future__ import annotations

import re

import pytest
import torch

from netspec.compiler.lower import lower

NET = """name: "small-net"
layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "ip-1" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param { num_output: 4 } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "cut" type: "Slice" bottom: "ip" top: "left" top: "right" }
layer { name: "both" type: "Concat" bottom: "right" bottom: "left" top: "both" }
layer { name: "loss" type: "EuclideanLoss" bottom: "both" bottom: "t" top: "loss" }
layer { name: "twice" type: "Power" bottom: "loss" top: "twice" propagate_down: false }
layer { name: "hush" type: "Silence" bottom: "twice" }
"""


@pytest.fixture
def module(graph_of):
    return lower(graph_of(NET))


def test_the_code_reads_like_the_prototxt(module):
    assert re.sub(r";  .* = None", "", module.code).strip() == (
        """def forward(self, x, t):
    ip_1 = self.ip_1(x)
    relu = self.relu(ip_1)
    cut = self.cut(relu)
    left = cut[0]
    right = cut[1]
    both = self.both(right, left)
    loss = self.loss(both, t)
    loss_detached = loss.detach()
    twice = self.twice(loss_detached)
    hush = self.hush(twice)
    return {'loss': loss}"""
    )


def test_the_module_is_named_after_the_net_and_the_graph_is_sound(module):
    assert type(module).__name__ == "small_net"
    module.graph.lint()


def test_every_node_knows_its_layer_its_line_and_its_shape(module):
    found = {
        node.name: (node.meta["node"].key, node.meta["span"].line, node.meta["shape"])
        for node in module.graph.nodes
        if node.op != "output"
    }
    assert found == {
        "x": ("in", 2, (2, 4)),
        "t": ("in", 2, (2, 4)),
        "ip_1": ("ip-1", 3, (2, 4)),
        "relu": ("relu", 5, (2, 4)),
        "cut": ("cut", 6, ((2, 2), (2, 2))),
        "left": ("cut", 6, (2, 2)),
        "right": ("cut", 6, (2, 2)),
        "both": ("both", 7, (2, 4)),
        "loss": ("loss", 8, ()),
        "loss_detached": ("twice", 9, ()),
        "twice": ("twice", 9, ()),
        "hush": ("hush", 10, ()),
    }


def test_the_result_holds_outputs_and_losses(graph_of):
    power = 'layer { name: "p" type: "Power" bottom: "x" top: "p" loss_weight: 2 }\n'
    read = 'layer { name: "q" type: "Power" bottom: "p" top: "q" }'
    module = lower(graph_of(f"{NET.splitlines()[1]}\n{power}{read}"))
    assert list(module(torch.ones(2, 4), torch.zeros(2, 4))) == ["q", "t", "p"]


def test_an_older_version_is_read_by_those_above_the_in_place_layer(graph_of):
    text = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }
layer { name: "p" type: "Power" bottom: "x" top: "y" power_param { scale: -1 } }
layer { name: "old" type: "Power" bottom: "y" top: "old" }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
layer { name: "new" type: "Power" bottom: "y" top: "new" }"""
    out = lower(graph_of(text))(torch.tensor([1.0, -2.0]))
    assert {name: value.tolist() for name, value in out.items()} == {"old": [-1, 2], "new": [0, 2]}


NAMES = [
    "conv-1", "a/b", "a.b", "1x1", "train", "type", "data", "loss", "forward", "code", "graph", "training",
    "_modules", "_parameters", "state_dict", "self", "torch", "getattr", "operator", "name", "x", "größe",
    "a b", " ", "?", "class", "lambda", "in", "is", "None",
]  # fmt: skip


def test_any_name_will_do_for_a_layer(graph_of):
    layers = "".join(
        f'layer {{ name: "{name}" type: "Power" bottom: "x" top: "x" power_param {{ shift: 1 }} }}\n'
        for name in NAMES
    )
    module = lower(graph_of(f"{NET.splitlines()[1]}\n{layers}"))
    assert module(torch.zeros(2, 4), torch.zeros(2, 4))["x"].unique().tolist() == [len(NAMES)]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_will_do_for_a_blob(graph_of, name):
    text = f"""
layer {{ name: "i" type: "Input" top: "{name}" top: "other" input_param {{ shape {{ dim: 2 }} }} }}
layer {{ name: "s" type: "Slice" bottom: "{name}" top: "{name}l" top: "{name}r" slice_param {{ axis: 0 }} }}
layer {{ name: "e" type: "Eltwise" bottom: "{name}l" bottom: "{name}r" top: "y"
  eltwise_param {{ coeff: 1 coeff: 10 }} }}"""
    out = lower(graph_of(text))(torch.tensor([1.0, 2.0]), torch.zeros(2))
    assert out["y"].tolist() == [21]


def test_names_that_differ_in_signs_alone_stay_apart(graph_of):
    tops = " ".join(f'top: "{name}"' for name in ("a-b", "a/b", "a_b"))
    source = f'layer {{ name: "in" type: "Input" {tops} input_param {{ shape {{ dim: 1 }} }} }}\n'
    layers = "".join(
        f'layer {{ type: "Power" bottom: "a{sign}b" top: "t{sign}" power_param {{ shift: {k} }} }}\n'
        for k, sign in enumerate("-/_")
    )
    out = lower(graph_of(source + layers))(*torch.tensor([[10.0], [20.0], [30.0]]))
    assert {name: value.item() for name, value in out.items()} == {"t-": 10, "t/": 21, "t_": 32}


@pytest.mark.parametrize("spell", ['a")(boom());("', "a'); boom(); ('", "a\\n  boom()", "a\\\\", "a{}"])
def test_a_name_never_becomes_code(graph_of, spell):
    spelt = spell.replace('"', '\\"')
    text = f"""layer {{ name: "in" type: "Input" top: "{spelt}" input_param {{ shape {{ dim: 1 }} }} }}
layer {{ name: "{spelt}" type: "Power" bottom: "{spelt}" top: "{spelt}y" }}"""
    graph = graph_of(f'name: "{spelt}"\n{text}')
    out = lower(graph)(torch.ones(1))
    assert list(out) == [graph.outputs[0].name]
