"""Nets that cannot fit are refused before anything is allocated."""

import pytest
import torch

from netspec.compiler import memory
from netspec.errors import NetError, ShapeError

HUGE = """name: "huge"
input: "x" input_shape { dim: 1000 dim: 1000000 }
layer { name: "a" type: "ReLU" bottom: "x" top: "a" }
layer { name: "ip" type: "InnerProduct" bottom: "a" top: "y" inner_product_param { num_output: 2000000 } }
"""


def test_the_sum_and_the_largest_part_are_named(compile_text):
    with pytest.raises(
        NetError, match=r"'huge' needs at least 8.01 TB.*layer 'ip' \(InnerProduct\) has the"
    ) as error:
        compile_text(HUGE)
    assert error.value.diagnostics[0].span.line == 4


@pytest.mark.parametrize("outputs", [2000000000, 4000000000])
def test_more_than_can_be_counted(compile_text, outputs):
    text = HUGE.replace("dim: 1000000", "dim: 4000000000 dim: 4000000000").replace("2000000", str(outputs))
    with pytest.raises(ShapeError, match="larger than any memory"):
        compile_text(text)


def test_what_is_alive_at_the_worst_moment_counts(graph_of):
    graph = graph_of(
        """input: "x" input_shape { dim: 10 dim: 10 }
        layer { name: "a" type: "ReLU" bottom: "x" top: "a" }
        layer { name: "b" type: "ReLU" bottom: "a" top: "b" }
        layer { name: "c" type: "Eltwise" bottom: "a" bottom: "b" top: "c" }
        layer { name: "d" type: "InnerProduct" bottom: "c" top: "d" inner_product_param { num_output: 2 } }"""
    )
    needs, largest = memory.least_memory(graph)
    assert needs == 4 * (22 + 300)  # the weights, and a, b, c together
    assert largest.key == "c"


def test_a_net_that_just_fits_is_not_refused(graph_of, monkeypatch):
    graph = graph_of(
        'input: "x" input_shape { dim: 100 } layer { name: "a" type: "ReLU" bottom: "x" top: "a" }'
    )
    monkeypatch.setattr(memory, "_memory", lambda device: 800)
    memory.require_memory(graph, torch.device("cpu"))
    monkeypatch.setattr(memory, "_memory", lambda device: 799)
    with pytest.raises(NetError, match=r"needs at least 800 B, and the device \('cpu'\) has 799 B"):
        memory.require_memory(graph, torch.device("cpu"))
