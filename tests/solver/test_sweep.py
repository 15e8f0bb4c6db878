"""Combinations of values: their texts, and what is found wrong with them before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import netspec
from netspec.errors import NetspecError, ParseError, SolverError
from netspec.schema.document import parse_net, parse_solver
from netspec.schema.setting import read_setting
from netspec.solver.sweep import RANDOM_SEED, check, name_columns, plan

NET = """
name: "toy"
layer { name: "data" type: "DummyData" top: "x" top: "t"
  dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 4 } data_filler { type: "gaussian" } } }
layer { name: "hidden" type: "InnerProduct" bottom: "x" top: "h"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "h" top: "y"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" test_iter: 1 test_interval: 2
base_lr: 0.01 lr_policy: "fixed" max_iter: 2 solver_mode: CPU random_seed: 3 snapshot_prefix: "mine"
"""
HIDDEN = "net.layer.hidden.inner_product_param.num_output"
OUT = "net.layer.ip.inner_product_param.num_output"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(NET)
    Path("solver.prototxt").write_text(SOLVER)
    return tmp_path


def planned(*settings, solver="solver.prototxt"):
    return plan(solver, [read_setting(setting) for setting in settings])


def written(run, name="runs/it"):
    """The run's texts, in their folder; the solver's message."""
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in run.texts(folder).items():
        (folder / file).write_text(text)
    return parse_solver(folder / "solver.prototxt")


@pytest.mark.parametrize(
    ("paths", "columns"),
    [
        (["base_lr", HIDDEN], ["base_lr", "num_output"]),
        ([HIDDEN, OUT], ["hidden.inner_product_param.num_output", "ip.inner_product_param.num_output"]),
        (["type", "net.layer.ip.type"], ["type", "ip.type"]),
        (["stepvalue[0]", "stepvalue[1]"], ["stepvalue[0]", "stepvalue[1]"]),
    ],
)
def test_columns_are_the_shortest_names_that_differ(paths, columns):
    assert name_columns(paths) == columns


def test_every_combination_in_order(folder):
    runs = planned(f"{HIDDEN}=20,50,100", "base_lr=0.1,0.01")
    assert [run.number for run in runs] == [1, 2, 3, 4, 5, 6]
    assert [tuple(run.values.values()) for run in runs] == [
        (hidden, rate) for hidden in ("20", "50", "100") for rate in ("0.1", "0.01")
    ]
    assert runs[3].label == "num_output=50 base_lr=0.01"
    assert runs[3].name == "num_output=50+base_lr=0.01"
    solver = written(runs[3])
    assert (solver.base_lr, solver.random_seed) == (pytest.approx(0.01), 3)
    assert parse_net(solver.net).layer[1].inner_product_param.num_output == 50
    assert parse_net(solver.net).layer[2] == parse_net("net.prototxt").layer[2]


def test_names_of_folders_are_plain_and_each_is_another(folder):
    runs = planned('net.name="a b","a/b",a_b,' + 200 * "x")
    names = [run.name for run in runs]
    assert len({*names}) == 4
    assert names[2] == "name=a_b"
    assert all(len(name) < 100 and not {*name} & {*'/" ,'} for name in names)


def test_a_run_trains_by_itself_and_keeps_to_its_folder(folder):
    (run,) = planned("momentum=0.9")
    assert written(run).snapshot_prefix == "runs/it/snapshot"
    Path("net.prototxt").unlink()
    solver = netspec.load_solver("runs/it/solver.prototxt")
    solver.train()
    solver.close()
    assert Path("runs/it/snapshot_iter_2.solverstate").exists()
    assert not list(folder.glob("mine*"))


def test_without_a_seed_all_runs_have_the_same(folder):
    Path("solver.prototxt").write_text(SOLVER.replace("random_seed: 3", ""))
    assert {written(run).random_seed for run in planned("base_lr=1,2")} == {RANDOM_SEED}
    assert [written(run).random_seed for run in planned("random_seed=8,9")] == [8, 9]


def test_paths_mean_what_they_meant(folder):
    """They are looked for here first, then beside the text."""
    for name in ("models/weights.txt", "models/only.txt", "weights.txt"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("1 0 0 0 1 0 " * 20)
    for file in ("net.prototxt", "solver.prototxt"):
        Path(file).rename(f"models/{file}")
    filler = "net.layer.hidden.inner_product_param.weight_filler"
    both = [f'{filler}.type="file"', f"{filler}.file=weights.txt,only.txt"]
    runs = planned(*both, solver="models/solver.prototxt")
    nets = [parse_net(written(run).net) for run in runs]
    files = [net.layer[1].inner_product_param.weight_filler.file for net in nets]
    assert files == ["weights.txt", "models/only.txt"]
    netspec.load_solver("runs/it/solver.prototxt").close()


def test_train_net_and_test_nets_have_their_own_files(folder):
    Path("test.prototxt").write_text(NET.replace("hidden", "other"))
    text = SOLVER.replace('net: "net.prototxt"', 'train_net: "net.prototxt" test_net: "test.prototxt"')
    Path("solver.prototxt").write_text(text)
    (run,) = planned(f"{OUT}=4", f"{HIDDEN}=7", "net.force_backward=true")
    solver = written(run)
    assert (solver.train_net, [*solver.test_net]) == (
        "runs/it/train_net.prototxt",
        ["runs/it/test_net_0.prototxt"],
    )
    train, test = parse_net(solver.train_net), parse_net(solver.test_net[0])
    assert [net.layer[1].inner_product_param.num_output for net in (train, test)] == [7, 5]
    assert train.force_backward
    assert test.force_backward


@pytest.mark.parametrize("field", ["net_param", "train_net_param"])
def test_nets_inside_of_the_solver(folder, field):
    test = f"test_net_param {{ {NET} }}" if field == "train_net_param" else ""
    Path("solver.prototxt").write_text(SOLVER.replace('net: "net.prototxt"', f"{field} {{ {NET} }} {test}"))
    runs = planned(f"{HIDDEN}=7,9", "base_lr=0.5")
    solver = written(runs[1])
    inside = [getattr(solver, field), *solver.test_net_param]
    assert {net.layer[1].inner_product_param.num_output for net in inside} == {9}
    assert check(runs).warnings == ()
    with pytest.raises(NetspecError, match=r"--set:1:(.|\n)*note: in the run num_output=0"):
        check(planned(f"{HIDDEN}=7,0"))


def test_nets_may_be_swept_themselves(folder):
    Path("wide.prototxt").write_text(NET.replace("num_output: 5", "num_output: 50"))
    runs = planned("net=net.prototxt,wide.prototxt", f"{OUT}=4")
    widths = [parse_net(written(run).net).layer[1].inner_product_param.num_output for run in runs]
    assert widths == [5, 50]


def test_old_nets(folder):
    old = 'layers { name: "judge" type: ACCURACY bottom: "y" bottom: "t" top: "right" }'
    layers = NET.replace("layer {", "layers {").replace('"InnerProduct"', "INNER_PRODUCT")
    layers = layers.replace('"DummyData"', "DUMMY_DATA").replace('"EuclideanLoss"', "EUCLIDEAN_LOSS")
    Path("net.prototxt").write_text(f"{layers}\n{old}")
    (run,) = planned(HIDDEN.replace("layer.", "layers.") + "=9")
    assert run.accuracies == {"right"}
    assert parse_net(written(run).net).layers[1].inner_product_param.num_output == 9


def test_all_that_is_wrong_is_said_at_once(folder):
    with pytest.raises(ParseError) as caught:
        planned("base_lr=0.1,x", "momentm=1", "net.layer.hiden.bottom=x", "max_iter=1,2")
    told = [(found.message, [note.message for note in found.notes]) for found in caught.value.diagnostics]
    assert told == [
        ("unknown field 'momentm' in 'SolverParameter'", []),
        ("the net has no layer 'hiden'", []),
        (
            "expected a number for 'base_lr', found 'x'",
            ["in 2 of the 4 runs; the first is base_lr=x max_iter=1"],
        ),
    ]


def test_solvers_that_contradict_themselves_are_found(folder):
    with pytest.raises(SolverError) as caught:
        planned("lr_policy=fixed,step,stepp")
    places = {str(found.span) for found in caught.value.diagnostics}
    assert places == {"--set:1:17", "--set:1:22"}


def test_nets_that_do_not_fit_are_found_before_anything_runs(folder):
    runs = planned(f"{OUT}=4,9", "base_lr=0.1,0.2")
    with pytest.raises(NetspecError) as caught:
        check(runs)
    (found,) = caught.value.diagnostics
    assert "loss" in found.message
    assert [note.message for note in found.notes] == [
        "in 2 of the 4 runs; the first is num_output=9 base_lr=0.1"
    ]


def test_a_value_is_shown_where_it_was_written(folder):
    with pytest.raises(NetspecError) as caught:
        check(planned(f"{HIDDEN}=5,0"))
    (found,) = caught.value.diagnostics
    assert str(found.span) == f"--set:1:{len(HIDDEN) + 4}"


def test_weights_and_the_end_are_looked_at_too(folder):
    with pytest.raises(NetspecError, match=r"no\.caffemodel"):
        check(planned("base_lr=1"), weights=["no.caffemodel"])
    Path("solver.prototxt").write_text(SOLVER.replace("max_iter: 2", ""))
    with pytest.raises(SolverError, match="no max_iter"):
        check(planned("base_lr=1"))
    assert check(planned("max_iter=1,2")).peak > 0


def test_nets_of_one_kind_are_built_once(folder, monkeypatch):
    built = []
    build = netspec.solver.sweep._build
    monkeypatch.setattr(
        netspec.solver.sweep, "_build", lambda run, *rest: built.append(run) or build(run, *rest)
    )
    check(planned("base_lr=0.1,0.2,0.3", f"{HIDDEN}=5,6"))
    assert [run.number for run in built] == [1, 2]
