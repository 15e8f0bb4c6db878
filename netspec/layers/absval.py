"""AbsVal."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer
from netspec.layers.registry import layer


@layer("AbsVal", bottoms=1, tops=1)
class AbsVal(Layer):
    """The magnitude: y = |x|, with gradient 0 at 0."""

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()
