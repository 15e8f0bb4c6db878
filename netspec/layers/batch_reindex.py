"""BatchReindex."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("BatchReindex", bottoms=2, tops=1, labels=(1,))
class BatchReindex(Layer):
    """Chooses items of its first bottom, (N, ...), by the indices in its second, (M): a top of (M, ...).

    An item may be chosen several times, its gradients add up.
    """

    def setup(self, x: Shape, index: Shape) -> None:
        if not x:
            raise self.shape_error("the first bottom must have an axis of items", "bottom", 0)
        if len(index) != 1:
            raise self.shape_error("the indices must have one axis", "bottom", 1)

    def forward(self, x: Tensor, index: Tensor) -> Tensor:
        return x.index_select(0, index.long())
