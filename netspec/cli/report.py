"""The one line in which a verb says what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.compiler.net import Net
    from netspec.solver.events import OutputValue


def score(net: Net, outputs: Sequence[OutputValue]) -> str:
    """A net's figure of merit: the first output of an Accuracy layer, otherwise the loss."""
    judges = {top.name for node in net.graph.nodes if node.layer.spec.type == "Accuracy" for top in node.tops}
    accuracy = next((output for output in outputs if output.blob in judges), None)
    if accuracy is not None:
        return f"accuracy {100 * accuracy.value:.4g} %"
    return f"loss {sum(output.loss_weight * output.value for output in outputs):.4g}"


def duration(seconds: float) -> str:
    """A time as people say it: 0.81 s, 52 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
