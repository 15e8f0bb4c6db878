"""Modules as they are rewritten, held against the same modules as they were lowered."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import fx


@pytest.fixture
def lowered(compile_text):
    """The lowered module of a text, with blobs that are no special numbers."""

    def make(text, phase="TEST"):
        module = compile_text(text, phase=phase, seed=1, rewrite=False).graph_module
        torch.manual_seed(2)
        with torch.no_grad():
            for blob in module.parameters():
                blob.copy_(torch.rand(blob.shape) + 0.5)
        return module

    return make


@pytest.fixture
def steps():
    """What a module does, in order: the targets of its nodes."""

    def read(module):
        nodes = (node for node in module.graph.nodes if node.op not in ("placeholder", "output"))
        return [node.target if isinstance(node.target, str) else node.target.__name__ for node in nodes]

    return read


@pytest.fixture
def apply(steps):
    """What a module does after a rewrite, and the names of the layers that the rewrite gave.

    Holds outputs, gradients and blobs afterwards against those of the module as it was, and the rewrite to be
    done after one application.
    """

    def run(rewrite, module, tolerance=2e-6):
        quick = fx.GraphModule(module, deepcopy(module.graph))
        changed = [layer.name for layer in rewrite(quick)]
        quick.graph.lint()
        quick.recompile()
        assert_same(quick, module, tolerance)
        done = steps(quick)
        rewrite(quick)
        assert steps(quick) == done
        return done, changed

    return run


def assert_same(quick, module, tolerance):
    pairs = zip(outcome(quick, module), outcome(module, module), strict=True)
    for index, (mine, theirs) in enumerate(pairs):
        assert mine.is_contiguous() == theirs.is_contiguous(), index
        off = (mine - theirs).abs().max().item() if mine.numel() else 0
        assert off <= tolerance * max(theirs.abs().max().item(), 1e-6), index


def outcome(run, module):
    """Outputs, gradients to inputs and blobs, and the blobs afterwards; these are put back."""
    torch.manual_seed(3)
    shapes = [node.meta["shape"] for node in module.graph.nodes if node.op == "placeholder"]
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    blobs = list(module.parameters())
    before = [blob.detach().clone() for blob in blobs]
    outputs = run(*inputs)
    total = sum((value * torch.randn(value.shape)).sum() for value in outputs.values())
    leaves = [*inputs, *(blob for blob in blobs if blob.requires_grad)]
    gradients = torch.autograd.grad(total, leaves, allow_unused=True) if total.requires_grad else []
    after = [blob.detach().clone() for blob in blobs]
    with torch.no_grad():
        for blob, value in zip(blobs, before, strict=True):
            blob.copy_(value)
    gradients = [torch.zeros(()) if value is None else value.contiguous() for value in gradients]
    return [value.detach() for value in (*outputs.values(), *gradients, *after)]
