"""Filter."""

from __future__ import annotations

from math import prod

from torch import Tensor

from netspec.layers.base import Layer, Shape
from netspec.layers.registry import layer


@layer("Filter", bottoms=(2, None), tops=(1, None), labels=(-1,))
class Filter(Layer):
    """Keeps the items whose entry in the last bottom, the selector, is not 0: one top per other bottom.

    The selector is (N) or (N, 1, ...). The tops have as many items as it selects, maybe none; the graph
    counts with all N. No gradient goes to what is left out.
    """

    def setup(self, *shapes: Shape) -> None:
        *others, selector = shapes
        if self.num_tops != len(others):
            message = f"takes a top for each bottom but the selector, {len(others)}, not {self.num_tops}"
            raise self.error(message, "top")
        if not selector or prod(selector[1:]) != 1:
            rule = "the selector, the last bottom, must have one entry per item: (N) or (N, 1, ...)"
            raise self.shape_error(rule, "bottom", len(others))
        for index, shape in enumerate(others):
            if shape[:1] != selector[:1]:
                raise self.shape_error("must have as many items as the selector", "bottom", index)

    def top_shapes(self, *shapes: Shape) -> list[Shape]:
        return list(shapes[:-1])

    def forward(self, *bottoms: Tensor) -> Tensor | tuple[Tensor, ...]:
        *others, selector = bottoms
        kept = selector.flatten().nonzero().squeeze(1)
        tops = tuple(x.index_select(0, kept) for x in others)
        return tops if len(tops) > 1 else tops[0]
