"""The nets that a solver trains and tests: which, in which state, and that they share their weights."""

import pytest

from netspec.errors import NetError
from netspec.schema.document import parse_net
from netspec.schema.messages import TEST, TRAIN, NetState, SolverParameter
from netspec.solver import events as ev
from netspec.solver import load_solver
from netspec.text.source import Source

DATA = """layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" } } }
"""
IP = """layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
"""
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "y" top: "loss" }\n'


def silence(name, rule):
    """A layer that shows whether a rule is met."""
    return f'layer {{ name: "{name}" type: "Silence" bottom: "x" include {{ {rule} }} }}\n'


RULES = (
    silence("train", "phase: TRAIN")
    + silence("test", "phase: TEST")
    + silence("a", 'stage: "a"')
    + silence("b", 'stage: "b"')
    + silence("not a", 'not_stage: "a"')
    + silence("high", "min_level: 3")
)
NET = DATA + IP + LOSS + RULES


def seen(net):
    """Which of the layers with rules a net has."""
    return [node.layer.name for node in net.graph.nodes if node.layer.spec.type == "Silence"]


@pytest.mark.parametrize(
    ("net_state", "fields", "train", "test"),
    [
        ("", "", ["train", "not a"], ["test", "not a"]),
        ('state { stage: "a" level: 3 }', "", ["train", "a", "high"], ["test", "a", "high"]),
        (
            'state { stage: "a" level: 3 }',
            'train_state { level: 1 } test_state { stage: "b" level: 2 }',
            ["train", "a"],
            ["test", "a", "b"],
        ),
        ("", 'train_state { stage: "b" level: 4 }', ["train", "b", "not a", "high"], ["test", "not a"]),
        ("state { phase: TRAIN }", "", ["train", "not a"], ["train", "not a"]),
        ("state { phase: TRAIN }", "test_state { phase: TEST }", ["train", "not a"], ["test", "not a"]),
        ("", "test_state { phase: TRAIN }", ["train", "not a"], ["train", "not a"]),
    ],
)
def test_a_state_is_made_of_three(make, net_state, fields, train, test):
    """The solver's default, over it the net's own state, over that the train_state or test_state."""
    solver = make(f"test_iter: 1\ntest_interval: 5\n{fields}", net=NET + net_state)
    assert seen(solver.net) == train
    assert seen(solver.test_nets[0]) == test
    assert solver.net.training == ("train" in train)
    assert solver.test_nets[0].training == ("train" in test)


@pytest.fixture
def several(make, tmp_path):
    """Four test nets, of all three kinds, in states of their own."""
    (tmp_path / "other.prototxt").write_text('name: "other"\n' + DATA + IP + LOSS + RULES)
    inline = (DATA + IP + LOSS).replace("\n", " ")
    fields = f"""test_net_param {{ name: "inline" {inline} }}
test_net: "other.prototxt"
test_iter: 1
test_iter: 2
test_iter: 3
test_iter: 4
test_interval: 2
test_state {{ }}
test_state {{ stage: "a" }}
test_state {{ stage: "b" level: 7 }}
test_state {{ }}
"""
    return make(fields, net='name: "generic"\n' + NET)


def test_several_test_nets_each_in_its_state(several):
    assert [net.graph.name for net in several.test_nets] == ["inline", "other", "generic", "generic"]
    assert [seen(net) for net in several.test_nets] == [
        [],
        ["test", "a"],
        ["test", "b", "not a", "high"],
        ["test", "not a"],
    ]


def test_each_takes_its_own_number_of_batches(several):
    events = []
    several.listeners.append(events.append)
    several.step(3)
    tested = [(event.iteration, event.net) for event in events if isinstance(event, ev.Tested)]
    assert tested == [(iteration, net) for iteration in (0, 2) for net in range(4)]
    assert [net.data["data"].position for net in several.test_nets] == [2, 4, 6, 8]


def test_all_share_the_train_nets_weights(several):
    mine = list(several.net.parameters())
    for net in several.test_nets:
        assert all(left is right for left, right in zip(mine, net.parameters(), strict=True))
    several.step(5)
    several.restore(several.snapshot()[1])
    for net in several.test_nets:
        assert all(left is right for left, right in zip(mine, net.parameters(), strict=True))


def test_a_layer_of_another_name_has_weights_of_its_own(make, tmp_path):
    (tmp_path / "other.prototxt").write_text(DATA + IP.replace('name: "ip"', 'name: "own"') + LOSS)
    solver = make('test_net: "other.prototxt"\ntest_iter: 1\ntest_interval: 5', net=NET)
    assert solver.test_nets[0].params["own"][0] is not solver.net.params["ip"][0]


def test_a_layer_of_the_same_name_must_have_the_same_shapes(make, tmp_path):
    wide = DATA.replace("dim: 3 }", "dim: 5 }")
    (tmp_path / "other.prototxt").write_text(wide + IP + LOSS)
    with pytest.raises(NetError, match=r"layer 'ip' has blobs of 2x5 and 2, but shares those"):
        make('test_net: "other.prototxt"\ntest_iter: 1\ntest_interval: 5', net=NET)


def test_nets_may_all_be_in_the_solver():
    net = parse_net(Source("net", NET))
    message = SolverParameter(
        net_param=net,
        test_net_param=[net],
        test_iter=[1, 2],
        test_interval=5,
        test_state=[NetState(stage=["a"]), NetState(level=3)],
        base_lr=0.1,
        lr_policy="fixed",
        solver_mode=SolverParameter.CPU,
    )
    solver = load_solver(message)
    assert [seen(each) for each in (solver.net, *solver.test_nets)] == [
        ["train", "not a"],
        ["test", "a"],
        ["test", "not a", "high"],
    ]
    assert (solver.settings.train.phase, solver.settings.tests[0].phase) == (TRAIN, TEST)
    solver.close()
