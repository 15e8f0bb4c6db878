"""Nets from text, for all tests that need one; and the processors, divided among the tests' workers."""

from __future__ import annotations

import os

import pytest

# Before anything imports PyTorch: with all its threads in every worker, these wait for each other.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

from netspec.errors import NetspecError
from netspec.schema.document import load_document
from netspec.schema.messages import TEST, NetParameter, NetState
from netspec.text.source import Source


@pytest.fixture
def read():
    """A text as a net's document; its diagnostics call it net.prototxt."""
    return lambda text: load_document(Source("net.prototxt", text), NetParameter)


@pytest.fixture
def graph_of(read):
    from netspec.graph.build import build_graph

    return lambda text, phase=TEST: build_graph(read(text), NetState(phase=phase))


@pytest.fixture
def compile_text(read):
    from netspec.compiler.net import compile_net

    return lambda text, **options: compile_net(read(text), **options)


@pytest.fixture
def report():
    """The whole report that a call ends in, with the error's class in front."""

    def run(call, *args, **options):
        with pytest.raises(NetspecError) as caught:
            call(*args, **options)
        return f"{type(caught.value).__name__}\n{caught.value}\n"

    return run
