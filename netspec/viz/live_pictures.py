"""Pictures of what a net's transformers do while it is trained, which leave the training as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import torch
from torch import Tensor

from netspec.compiler.net import Net
from netspec.solver.trainer import Solver
from netspec.viz.pixels import Picture
from netspec.viz.stn import draw_observation, observe, transformers

COUNT, WIDTH, QUALITY = 9, 960, 82  # the items that are shown, pixels, and the quality of JPEG


@dataclass(frozen=True)
class Jpeg:
    """A picture of (width, height) pixels, as the content of a file."""

    content: bytes
    width: int
    height: int


class LivePictures:
    """Draws the same items each time: the first ones of a test net's data.

    They run through the net once more, besides the tests; the data's position, the random numbers and all
    that layers carry along or average are afterwards what they were.

    Attributes:
        index: the number of the test net.
        drawn: the iteration of the last picture, -1 before the first.
    """

    def __init__(self, solver: Solver, index: int) -> None:
        self._solver, self.index = solver, index
        self._net = solver.test_nets[index]
        self._feeds: dict[str, Tensor] = {}
        self.drawn = -1

    @staticmethod
    def reason_against(net: Net) -> str:
        """Why a net cannot be drawn besides its tests; empty where it can."""
        if not transformers(net):
            return "has no spatial transformer"
        if net.inputs:
            return "does not draw its data itself"
        for node in net.graph.nodes:
            # What these do outside of the net cannot be undone.
            if node.layer.spec.type == "Python" or getattr(node.layer, "_is_impure", False):
                return f"has the layer '{node.layer.name}', for which each pass counts"
        return ""

    def draw(self, iteration: int) -> Jpeg:
        """What the transformers do at this iteration.

        Raises:
            NetspecError: the items cannot be read.
        """
        self.drawn = iteration
        self._feeds = self._feeds or _first_batch(self._net)
        with _leaving_no_trace(self._solver, self._net), self._net.layer_by_layer():
            seen = observe(self._net, self._feeds)
        return _encoded(draw_observation(seen.part(slice(COUNT)), width=WIDTH))


def _first_batch(net: Net) -> dict[str, Tensor]:
    """The first batch of each data layer. Their position stays: a batch follows from its number alone."""
    return {
        top.name: tensor
        for node in net.graph.sources
        if node.key in net.data
        for top, tensor in zip(node.tops, net.data[node.key].stream.batch(0), strict=True)
    }


@contextmanager
def _leaving_no_trace(solver: Solver, net: Net) -> Iterator[None]:
    """Puts the random numbers, buffers and running statistics back."""
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in net.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    fixed = [(blob, blob._version, blob.clone()) for blob in net.parameters() if not blob.requires_grad]
    with solver.random.installed():
        states = solver.random.get()
        try:
            yield
        finally:
            solver.random.set(states)
            with torch.no_grad():
                for module, name, buffer, values in buffers:
                    module._buffers[name] = buffer
                    buffer.copy_(values)
                for blob, version, values in fixed:
                    if blob._version != version:
                        blob.copy_(values)


def _encoded(picture: Picture) -> Jpeg:
    _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    height, width = picture.shape[:2]
    return Jpeg(content.tobytes(), width, height)
