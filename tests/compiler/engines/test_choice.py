"""Which engine runs a net, and what it says of it."""

import pytest
import torch

from netspec.compiler.engines import ENGINES, Choice, choose
from netspec.schema.messages import TRAIN

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
IN = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }'
IP = 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }'
FILTER = """layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 2 } } }
layer { name: "some" type: "Filter" bottom: "x" bottom: "s" top: "kept" }"""
WRITER = """layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 2 } } }
layer { name: "out" type: "HDF5Output" bottom: "x" bottom: "s" hdf5_output_param { file_name: "a.h5" } }"""


def engines(graph, device, **options):
    return {wanted: choose(wanted, graph, device, **options).engine for wanted in ENGINES}


def test_on_the_cpu_nothing_is_compiled_unless_asked_for(graph_of):
    chosen = engines(graph_of(IN + IP), CPU)
    assert chosen == {"auto": "eager", "eager": "eager", "compiled": "compiled", "graph": "eager"}


def test_on_cuda_the_iteration_is_recorded_if_asked_for(graph_of):
    chosen = engines(graph_of(IN + IP), CUDA)
    assert chosen == {"auto": "eager", "eager": "eager", "compiled": "compiled", "graph": "graph"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (FILTER, "what layer 'some' (Filter) does depends on the data"),
        (WRITER, "layer 'out' (HDF5Output) writes a file"),
    ],
)
def test_a_layer_that_stands_in_the_way_is_named(graph_of, text, why):
    graph = graph_of(IN + text)
    assert set(engines(graph, CUDA).values()) == {"eager"}
    assert choose("graph", graph, CUDA).reason == why
    assert str(choose("compiled", graph, CPU)) == f"engine eager: {why}"


def test_recomputing_runs_layer_by_layer(graph_of):
    assert set(engines(graph_of(IN + IP, TRAIN), CUDA, recompute=True).values()) == {"eager"}


def test_only_another_engine_than_the_one_asked_for_is_unexpected(graph_of):
    graph = graph_of(IN + IP)
    assert choose("auto", graph, CPU).is_expected
    assert choose("eager", graph, CPU).is_expected
    assert not choose("graph", graph, CPU).is_expected
    failed = choose("compiled", graph, CPU).failed("no compiler")
    assert failed == Choice("eager", "compiled fails: no compiler", "compiled")
    assert not failed.is_expected


def test_an_engine_that_does_not_exist(compile_text):
    with pytest.raises(ValueError, match="engine is one of auto, eager, compiled, graph, not 'fast'"):
        compile_text(IN + IP, engine="fast")
