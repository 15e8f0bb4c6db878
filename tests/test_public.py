"""The public names, and the tree of exceptions."""

from __future__ import annotations

import inspect
import re
import typing
from pathlib import Path

import pytest

import netspec
from netspec import errors
from netspec.text.source import Source


def test_the_public_names():
    assert sorted(netspec.__all__) == [
        "DataError", "Net", "NetError", "NetspecError", "NotFiniteError", "ParseError", "ShapeError",
        "Solver", "SolverError", "TEST", "TRAIN", "UsageError", "WeightsError", "__version__",
        "compile_net", "load_solver", "parse_net", "parse_solver", "stn",
    ]  # fmt: skip
    assert dir(netspec) == sorted(netspec.__all__)


@pytest.mark.parametrize("name", netspec.__all__)
def test_a_public_name_is_there_and_documented(name):
    value = getattr(netspec, name)
    assert not callable(value) or inspect.getdoc(value)
    assert getattr(netspec, name) is value


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'netspec' has no attribute 'compile'"):
        _ = netspec.compile


def test_type_checkers_see_the_same_names_as_the_interpreter():
    source = Path(netspec.__file__).read_text(encoding="utf-8")
    checked = re.findall(r"^    from (\S+) import (\w+) as \2$", source, re.MULTILINE)
    modules = dict.fromkeys(netspec._MODULES, "netspec")
    assert {name: home for home, name in checked} == {**netspec._HOME, **modules}


def test_the_phases_are_caffe_s_numbers():
    assert (netspec.TRAIN, netspec.TEST) == (0, 1)


def test_a_net_is_what_the_design_promises():
    members = [
        "inputs", "outputs", "blobs", "params", "learnable_params", "loss_weights", "data", "graph",
        "graph_module", "device", "batch_size", "engine", "loss", "load_weights", "save_weights",
        "share_weights_with", "close",
    ]  # fmt: skip
    net = netspec.compile_net(
        netspec.parse_net(
            Source("net", 'layer { name: "i" type: "Input" top: "x" input_param { shape { } } }')
        )
    )
    assert [name for name in members if not hasattr(net, name)] == []


def test_the_signature_of_compile_net():
    parameters = inspect.signature(netspec.compile_net).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "source": inspect.Parameter.empty,
        "phase": "TEST",
        "stages": (),
        "level": None,
        "weights": None,
        "ignore_mismatched": False,
        "device": "cpu",
        "seed": None,
        "allow_python_layers": False,
        "engine": "auto",
        "precision": "fp32",
        "recompute": False,
        "rewrite": True,
        "cache": None,
    }
    assert {p.kind for name, p in parameters.items() if name != "source"} == {inspect.Parameter.KEYWORD_ONLY}
    hints = typing.get_type_hints(netspec.compile_net)
    assert hints.keys() == {*parameters, "return"}
    assert hints["return"] is netspec.Net
    assert (hints["level"], hints["seed"]) == (int | None, int | None)


def test_the_signature_of_load_solver():
    parameters = inspect.signature(netspec.load_solver).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "source": inspect.Parameter.empty,
        "device": None,
        "weights": (),
        "ignore_mismatched": False,
        "listeners": (),
        "allow_python_layers": False,
        "engine": "auto",
        "precision": "fp32",
        "recompute": False,
        "deterministic": False,
        "cache": False,
    }


def test_texts_become_messages(tmp_path):
    (tmp_path / "net.prototxt").write_text('name: "n" layer { name: "a" type: "Whatever" }')
    (tmp_path / "solver.prototxt").write_text('net: "net.prototxt" base_lr: 0.5')
    net = netspec.parse_net(tmp_path / "net.prototxt")
    solver = netspec.parse_solver(str(tmp_path / "solver.prototxt"))
    assert (net.DESCRIPTOR.name, net.name, net.layer[0].type) == ("NetParameter", "n", "Whatever")
    assert (solver.DESCRIPTOR.name, solver.net, solver.base_lr) == ("SolverParameter", "net.prototxt", 0.5)
    with pytest.raises(netspec.ParseError, match=r"solver\.prototxt:1:1: error"):
        netspec.parse_net(tmp_path / "solver.prototxt")


# Exceptions -----------------------------------------------------------------------------------------------


def drawn_tree():
    """Class and base of each line of the tree in the module's docstring."""
    found, above = {}, []
    for line in re.findall(r"^    ([ │├└─]*\w+)  ", errors.__doc__, re.MULTILINE):
        depth, name = len(re.match(r"[ │├└─]*", line)[0]) // 4, line.lstrip(" │├└─")
        above[depth:] = [name]
        found[name] = above[depth - 1] if depth else "Exception"
    return found


def test_the_exceptions_are_those_of_the_drawing():
    classes = [
        value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)
    ]
    assert {cls.__name__: cls.__base__.__name__ for cls in classes} == drawn_tree()
    assert drawn_tree().keys() <= set(netspec.__all__)


def test_an_error_carries_its_diagnostics():
    error = netspec.ShapeError.at("too wide", file="a.png", help="cut it")
    assert isinstance(error, netspec.NetError)
    assert [(d.message, d.severity, d.span) for d in error.diagnostics] == [("too wide", "error", None)]
    assert str(error) == "a.png: error: too wide\n   help: cut it"
