"""Finds where a number stopped being finite, once it is known that one did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netspec.compiler.net import Net
from netspec.errors import NotFiniteError
from netspec.graph.graph import Blob, Node
from netspec.layers.base import Layer, SourceLayer, as_tuple
from netspec.solver.debug_info import Watch, first_broken_gradient
from netspec.text.diagnostic import Note

_REMEDY = "lower base_lr, or bound the gradients (clip_gradients: 10)"


def not_finite(net: Net, batch: Mapping[str, Any], iteration: int, snapshot: Path | None) -> NotFiniteError:
    """The error for a loss that is not finite, at the first layer that is to blame.

    The net runs once more on the same batch, layer by layer; random layers repeat their numbers if the
    caller has put the generators back.
    """
    found = next(_broken_tops(net, batch), None) if batch else None
    if found is None:
        message = f"the loss of iteration {iteration} is not finite"
        return NotFiniteError.at(message, help=f"{_REMEDY}; {_last(snapshot)}")
    node, top = found
    layer = node.layer
    broken = [name for name, blob in zip(layer.blob_names, layer.blobs, strict=True) if not _finite(blob)]
    return NotFiniteError.at(
        f"the loss of iteration {iteration} is not finite: top '{top.name}' of layer '{layer.name}' "
        f"({layer.spec.type}) is the first blob with a number that is not",
        node.span,
        notes=[Note(f"the layer's own blob '{name}' is not finite") for name in broken],
        help=f"{_remedy(layer, iteration, broken)}; {_last(snapshot)}",
    )


def finite_gradients(net: Net) -> bool:
    """Whether an update can do no harm; waits for the device once."""
    gradients = [blob.grad for blob in net.parameters() if blob.grad is not None]
    return not gradients or bool(torch.stack([gradient.isfinite().all() for gradient in gradients]).all())


def broken_gradient(
    net: Net, batch: Mapping[str, Any], iteration: int, snapshot: Path | None
) -> NotFiniteError:
    """The error for gradients that are not finite though the loss is, at the first layer on the way back.

    The net runs once more on the batch, forward and backward; random layers repeat their numbers if the
    caller has put the generators back.
    """
    by_blobs = first_broken_gradient(Watch(net))  # should the batch of another sub-iteration be to blame
    with Watch(net) as watch:
        net.zero_grad()
        net.loss(net(**batch)).backward()  # type: ignore[no-untyped-call]
    found = first_broken_gradient(watch) or by_blobs
    assert found is not None, "each parameter is some layer's blob"
    node, where = found
    return NotFiniteError.at(
        f"the gradient of iteration {iteration} is not finite: on the way back from the loss, layer "
        f"'{node.layer.name}' ({node.layer.spec.type}) is the first whose gradient for {where} is not",
        node.span,
        help="a slope without bound (a root of 0, a division by 0), or numbers that grew too large: lower "
        f"base_lr; `debug_info: true` shows how large all are; {_last(snapshot)}",
    )


def require_finite_blobs(net: Net, iteration: int, snapshot: Path | None) -> None:
    """Makes sure that a snapshot is worth writing; waits for the device once.

    Raises:
        NotFiniteError: a blob is not finite.
    """
    blobs = [(node, name, blob) for node in net.graph.nodes for name, blob in _blobs(node)]
    if not blobs or bool(torch.stack([blob.detach().isfinite().all() for _, _, blob in blobs]).all()):
        return
    node, name, _ = next(entry for entry in blobs if not _finite(entry[2]))
    raise NotFiniteError.at(
        f"blob '{name}' of layer '{node.layer.name}' ({node.layer.spec.type}) is not finite "
        f"after {iteration} iterations: no snapshot is written",
        node.span,
        help=f"{_REMEDY}; {_last(snapshot)}",
    )


@torch.no_grad()
def _broken_tops(net: Net, batch: Mapping[str, Any]) -> Iterator[tuple[Node, Blob]]:
    values: dict[Blob, Tensor] = {}
    for node in net.graph.nodes:
        if isinstance(node.layer, SourceLayer):
            tops = tuple(torch.as_tensor(batch[top.name], device=net.device) for top in node.tops)
        else:
            tops = as_tuple(node.layer(*(values[bottom] for bottom in node.bottoms)))
        values.update(zip(node.tops, tops, strict=True))
        yield from ((node, top) for top in node.tops if not _finite(values[top]))


def _remedy(layer: Layer, iteration: int, broken: Sequence[str]) -> str:
    if isinstance(layer, SourceLayer):
        return "look into the data"
    if broken and iteration == 0:
        return "look into the weight files and fillers that the net starts from"
    return _REMEDY


def _blobs(node: Node) -> Iterator[tuple[str, Tensor]]:
    return zip(node.layer.blob_names, node.layer.blobs, strict=True)


def _finite(values: Tensor) -> bool:
    return bool(values.isfinite().all())


def _last(snapshot: Path | None) -> str:
    return f"the last good snapshot is {snapshot}" if snapshot else "there is no snapshot to go back to"
