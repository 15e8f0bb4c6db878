"""Refuses a net that cannot fit, before anything is allocated for it."""

from __future__ import annotations

import os
from collections import Counter
from math import prod

import torch

from netspec.errors import NetError
from netspec.graph.graph import Blob, Graph, Node
from netspec.text.amount import amount

_BYTES = 4  # of a float32


def require_memory(graph: Graph, device: torch.device) -> None:
    """Compares what a net needs at the very least with what the device has.

    Raises:
        NetError: it cannot fit; the message gives the sum, its place the layer with the largest part.
    """
    has = _memory(device)
    needs, largest = least_memory(graph)
    if has is None or needs <= has or largest is None:
        return
    layer = largest.layer
    raise NetError.at(
        f"net '{graph.name}' needs at least {amount(needs, 'B')}, and the device ('{device}') has "
        f"{amount(has, 'B')}; layer '{layer.name}' ({layer.spec.type}) has the largest part",
        largest.span,
        help="look for a batch size, a shape or a num_output with a digit too many",
    )


def least_memory(graph: Graph) -> tuple[int, Node | None]:
    """Bytes that no way of running the net can do without, and the node with the most of them.

    These are all learnable blobs, and the tops that are alive together at the worst moment of a forward
    pass. Gradients, histories and the workspaces of convolutions come on top.
    """
    parts: Counter[Node] = Counter()
    for param in graph.params:
        if param.owner is None:
            parts[param.node] += param.node.layer.blobs[param.index].numel() * _BYTES
    tops, node = _worst_moment(graph)
    total = sum(parts.values()) + tops
    if node is not None:
        parts[node] += tops
    return total, max(parts, key=parts.__getitem__, default=None)


def _worst_moment(graph: Graph) -> tuple[int, Node | None]:
    last_reader = {bottom: node for node in graph.nodes for bottom in node.bottoms}
    alive = worst = 0
    at: Node | None = None
    for node in graph.nodes:
        alive += sum(_size(top) for top in node.tops)
        if alive > worst:
            worst, at = alive, node
        alive -= sum(_size(blob) for blob in {*node.bottoms} if last_reader[blob] is node)
    return worst, at


def _size(blob: Blob) -> int:
    return prod(blob.shape) * _BYTES


def _memory(device: torch.device) -> int | None:
    """Bytes that the device has in all; None where it does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type != "cpu" or not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
