"""Split."""

from __future__ import annotations

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Split", bottoms=1, tops=(1, None))
class Split(Layer):
    """Gives its bottom to each of its tops; their gradients add up."""

    def setup(self, x: Shape) -> None:
        self.copies = self.num_tops

    @property
    def is_identity(self) -> bool:
        return True

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        return (x,) * self.copies if self.copies > 1 else x
