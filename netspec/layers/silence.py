"""Silence."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer
from netspec.layers.registry import layer


@layer("Silence", bottoms=(1, None), tops=0)
class Silence(Layer):
    """Takes blobs that nothing else uses, so that they are no outputs of the net."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensor, ...]:
        return ()
