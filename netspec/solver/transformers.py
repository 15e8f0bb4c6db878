"""What the spatial transformers of a train net do, and whether they still look at their images."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from netspec.compiler.net import Net
from netspec.layers.spatial_transformer import SpatialTransformer
from netspec.solver.events import Notice, Transformed

_MOST = 0.5


class TransformerGuard:
    """Keeps the last theta of each transformer, and looks at it when it is asked to.

    Args:
        net: the train net, whichever engine runs it.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self._layers = {
            node.key: node.layer for node in net.graph.nodes if isinstance(node.layer, SpatialTransformer)
        }
        self._seen: dict[str, tuple[Tensor, torch.Size]] = {}
        self._recorded: set[str] = set()
        self._left: set[str] = set()
        for key, layer in self._layers.items():
            layer.register_forward_pre_hook(partial(self._note, key))

    def look(self, iteration: int) -> Iterator[Transformed | Notice]:
        """What each transformer did in the last pass, and a warning when most of what it samples has come to
        lie outside of its images."""
        for key, (theta, image) in self._seen.items():
            outside = float(self._layers[key].outside(theta, image))
            values = theta.flatten(1).double()
            means = tuple(values.mean(0).tolist())
            largest, names = float(values.abs().max()), self._layers[key].theta_names()
            yield Transformed(iteration, key, outside, largest, means, names)
            if outside > _MOST and key not in self._left:
                yield Notice(_warning(key, outside, iteration), "warning")
            (self._left.add if outside > _MOST else self._left.discard)(key)

    def _note(self, key: str, module: nn.Module, bottoms: tuple[Any, ...]) -> None:
        image, theta = bottoms
        if self._is_recording():
            self._recorded.add(key)
        elif key in self._recorded and self._net.engine.engine == "graph":
            return  # replays go on writing where the recording's theta lies
        self._seen[key] = theta.detach(), image.shape

    def _is_recording(self) -> bool:
        if torch.compiler.is_compiling():  # which cannot look at streams, nor do its modules get recorded
            return False
        return self._net.device.type == "cuda" and torch.cuda.is_current_stream_capturing()


def _warning(layer: str, outside: float, iteration: int) -> str:
    return (
        f"{outside:.0%} of what layer '{layer}' samples at iteration {iteration} lies outside of its images: "
        "where nothing is seen no gradient comes back; let what makes its theta begin at the identity and "
        "learn more slowly (lr_mult)"
    )
