"""What a file is."""

from __future__ import annotations

import pytest

from netspec.cli.kind import is_binary, is_binary_solver, is_solver
from netspec.schema.messages import NetParameter, SolverParameter
from netspec.text.source import Source


@pytest.mark.parametrize(
    ("content", "binary"),
    [
        (NetParameter(name="n", layer=[{"name": "a"}]).SerializeToString(), True),
        (NetParameter(layers=[{"name": "a"}]).SerializeToString(), True),
        (SolverParameter(net="n", base_lr=0.1).SerializeToString(), True),
        (b'name: "n"\r\n\tlayer { }\n', False),
        ("# größe\n".encode("latin-1"), False),
        ("# größe\n".encode(), False),
        (b"", False),
    ],
)
def test_text_and_binary(tmp_path, content, binary):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert is_binary(path) is binary


def test_what_cannot_be_read_is_left_to_the_reader_of_text(tmp_path):
    assert not is_binary(tmp_path / "none")
    assert not is_binary(tmp_path)


@pytest.mark.parametrize(
    ("text", "solver"),
    [
        ('net: "a" base_lr: 1', True),
        ('name: "a" layer { }', False),
        ("layers { }", False),
        ('net_param { name: "a" } debug_info: true', True),
        ("", False),
    ],
)
def test_nets_and_solvers_in_text(text, solver):
    assert is_solver(Source("file", text)) is solver


@pytest.mark.parametrize(
    ("message", "solver"),
    [
        (SolverParameter(net="n", base_lr=0.1), True),
        (SolverParameter(train_net="n", test_net=["t"], base_lr=0.1, lr_policy="fixed"), True),
        (NetParameter(name="n", force_backward=True, input=["x"]), False),
        (NetParameter(layers=[{"name": "x"}]), False),
    ],
)
def test_nets_and_solvers_in_binary_form(tmp_path, message, solver):
    path = tmp_path / "file"
    path.write_bytes(message.SerializeToString())
    assert is_binary_solver(path) is solver


@pytest.mark.parametrize("content", [b"\x89HDF\r\n\x1a\n" + bytes(99), b"PK\x03\x04" + bytes(9), b"\x00"])
def test_anything_else_is_no_solver(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert not is_binary_solver(path)
